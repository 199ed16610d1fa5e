from export.outcome import NUMBERS, ExportResult


def test_results_add_up_number_by_number_and_reason_by_reason() -> None:
    one = ExportResult(**dict.fromkeys(NUMBERS, 2), skipped={"a": 1}, missing_reasons={"x": 1})
    two = ExportResult(**dict.fromkeys(NUMBERS, 3), skipped={"a": 2, "b": 1})
    both = one + two
    assert [getattr(both, name) for name in NUMBERS] == [5] * len(NUMBERS)
    assert (both.skipped, both.missing_reasons) == ({"a": 3, "b": 1}, {"x": 1})


def test_a_result_survives_its_checkpoint() -> None:
    one = ExportResult(entities=1, wiki_bytes=2**40, skipped={"a": 1})
    assert ExportResult.of_json(one.as_json()) == one
    assert ExportResult.of_json({"entities": 3}) == ExportResult(entities=3)

from cutover.demo.shapes import TEXT, ById, PhpMap, Raw, Wrapped, shaped

RESULT = {
    "yes": True,
    "no": False,
    "name": {TEXT + "content": "text", "n": 1},
    "pages": ById({"5": {"pageid": 5}}),
    "entities": Raw({"Q1": {"x": True}}),
    "html": Wrapped("h"),
    "rows": [True, {"flag": True}],
}


def test_formatversion_2_is_what_modules_write():
    assert shaped(RESULT, 2) == {
        "yes": True,
        "no": False,
        "name": {"content": "text", "n": 1},
        "pages": [{"pageid": 5}],
        "entities": {"Q1": {"x": True}},
        "html": "h",
        "rows": [True, {"flag": True}],
    }


def test_formatversion_1_has_presence_for_truth_and_stars_for_texts():
    assert shaped(RESULT, 1) == {
        "yes": "",
        "name": {"*": "text", "n": 1},
        "pages": {"5": {"pageid": 5}},
        "entities": {"Q1": {"x": True}},
        "html": {"*": "h"},
        "rows": [True, {"flag": ""}],
    }


def test_a_map_counted_from_nought_is_a_list_to_php():
    assert shaped(PhpMap({0: {"missing": True}}), 2) == [{"missing": True}]
    assert shaped(PhpMap({7: {"missing": True}}), 1) == {"7": {"missing": ""}}

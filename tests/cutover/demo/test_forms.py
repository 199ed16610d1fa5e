import pytest

from cutover.demo.forms import read_form, split_values

URLENCODED = "application/x-www-form-urlencoded"


def test_the_body_wins_over_the_query_and_the_last_of_a_name_over_the_first():
    form = read_form("a=1&b=1&b=2&&c", b"a=3", URLENCODED)
    assert form.values == {"a": "3", "b": "2", "c": ""}
    assert form.posted == {"a"}
    assert form.queried == {"a", "b", "c"}


def test_plus_is_a_space_and_texts_become_nfc():
    assert read_form("a=Cafe%CC%81+1", b"", "").values == {"a": "Café 1"}
    assert read_form("a=Cafe%CC%81", b"", "").unclean == {"a"}


def test_array_syntax_leaves_no_value():
    form = read_form("ids=Q1&ids[]=Q2", b"", "")
    assert form.values == {}
    assert form.arrays == {"ids"}


def test_bytes_that_are_no_utf8_are_read_as_latin1():
    form = read_form("a=%FF%FE", b"", "")
    assert (form.values["a"], form.unclean) == ("ÿþ", {"a"})


def test_a_separator_inside_a_value_is_a_control_character():
    assert read_form("a=x%1Fy", b"", "").values["a"] == "x\ufffdy"
    assert read_form("a=%1Fx%1Fy", b"", "").values["a"] == "\x1fx\x1fy"


def test_multipart_fields_are_read_and_files_are_not():
    body = (
        b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n2\r\n'
        b'--B\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\nfile\r\n--B--\r\n'
    )
    assert read_form("", body, 'multipart/form-data; boundary="B"').values == {"a": "1\r\n2"}


def test_a_body_of_another_type_has_no_parameters():
    assert read_form("", b'{"a":1}', "application/json").values == {}


@pytest.mark.parametrize(
    ("text", "values"), [("", []), ("a|b", ["a", "b"]), ("\x1fa|b\x1fc", ["a|b", "c"]), ("\x1f", []), ("|", ["", ""])]
)
def test_lists_are_split_at_the_bar_or_at_the_separator_they_begin_with(text, values):
    assert split_values(text) == values

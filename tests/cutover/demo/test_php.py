import pytest

from cutover.demo.php import api_json, float_text, serialized_length, stored_json


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (52.0, "52"),
        (-0.0, "-0"),
        (0.0, "0"),
        (0.0001, "0.0001"),
        (0.00001, "1.0e-5"),
        (9.999e-5, "9.999e-5"),
        (2.777777777777778e-6, "2.777777777777778e-6"),
        (0.00027777777777778, "0.00027777777777778"),
        (1e16, "10000000000000000"),
        (1e17, "1.0e+17"),
        (1.5e20, "1.5e+20"),
        (5e-324, "5.0e-324"),
        (360.0, "360"),
        (-163.18522, "-163.18522"),
    ],
)
def test_floats_print_as_php_printed_them(number, text):
    assert float_text(number) == text


def test_stored_text_escapes_slashes_and_letters_and_prints_empty_maps_as_lists():
    assert stored_json({"a": {}, "b/": ["é", 1.0, None, True]}) == '{"a":[],"b\\/":["\\u00e9",1,null,true]}'


def test_api_text_escapes_letters_only_when_asked():
    assert api_json({"é": "/"}, ascii_only=True) == b'{"\\u00e9":"/"}'
    assert api_json({"é": "/"}, ascii_only=False) == '{"é":"/"}'.encode()


def test_the_size_of_a_redirect_is_the_observed_one():
    assert serialized_length({"entity": "Q37", "redirect": "Q10"}) == 54


def test_sizes_count_every_kind_of_value():
    # a:1:{s:1:"é"...} with bytes, not letters
    assert serialized_length({"k": [None, True, 7, 1.5, "é"]}) == len(
        'a:1:{s:1:"k";a:5:{i:0;N;i:1;b:1;i:2;i:7;i:3;d:1.5;i:4;s:2:"éx";}}'
    )

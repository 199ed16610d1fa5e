import pytest

from cutover.demo.titles import TitleError, normalise_title

NAMESPACES = {
    -1: {"name": "Special"},
    0: {"name": ""},
    4: {"name": "Alpha Base", "canonical": "Project"},
    120: {"name": "Item"},
}


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("item:q1", (120, "Item:Q1")),
        ("Item_:_Q66", (120, "Item:Q66")),
        (":Item:Q1", (120, "Item:Q1")),
        ("project:x", (4, "Alpha Base:X")),
        ("q1", (0, "Q1")),
        ("Nothing:x", (0, "Nothing:x")),
        ("special:entityData/q", (-1, "Special:EntityData/q")),
    ],
)
def test_titles_are_brought_to_the_form_in_which_pages_are_kept(text, normal):
    assert normalise_title(text, NAMESPACES) == normal


@pytest.mark.parametrize(("text", "character"), [("A[b]", "["), ("", ""), ("a|b", "|")])
def test_what_is_no_title_is_refused_with_the_character(text, character):
    with pytest.raises(TitleError) as caught:
        normalise_title(text, NAMESPACES)
    assert caught.value.character == character

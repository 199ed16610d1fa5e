from cutover.demo.answers import Asked
from cutover.demo.forms import read_form
from cutover.demo.recorded import at_server

TARGET = "/w/api.php?action=wbgetentities&ids=Q56&format=json&formatversion=1"


def asked(target, method="GET", body=b"", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    form = read_form("", b"", "")
    return Asked(method=method, target=target, path="", query="", headers=named, form=form, body=body)


def some(world, kind):
    return next(one for one in world.recorded.exchanges if one.kind == kind)


def test_the_same_request_finds_its_answer(world):
    one = some(world, "entitydata.json")
    found = world.recorded.find(asked(one.target, accept="*/*"), touched=set(), unbuffered=False)
    assert found == one


def test_another_method_body_or_condition_is_another_request(world):
    one = some(world, "entitydata.json")
    for other in (
        asked(one.target, method="POST"),
        asked(one.target, body=b"x"),
        asked(one.target, if_modified_since="Mon, 01 Jan 2001 00:00:00 GMT"),
        asked(one.target + "?"),
    ):
        assert world.recorded.find(other, touched=set(), unbuffered=False) is None


def test_an_answer_about_an_edited_entity_is_given_up(world):
    one = some(world, "entitydata.json")
    assert world.recorded.find(asked(one.target), touched={"Q999"}, unbuffered=False) == one
    assert world.recorded.find(asked(one.target), touched={"Q61"}, unbuffered=False) is None


def test_an_answer_that_followed_a_redirect_concerns_both(world):
    one = next(one for one in world.recorded.exchanges if one.target == "/wiki/Special:EntityData/Q18.json")
    assert {"Q18", "Q35"} <= one.concerns


def test_accepting_gzip_changes_nothing_on_a_wiki_that_buffers(world):
    one = some(world, "wbgetentities.gzip-on")
    buffered = world.recorded.find(asked(one.target, accept_encoding="gzip, deflate"), touched=set(), unbuffered=False)
    compressed = world.recorded.find(asked(one.target, accept_encoding="gzip"), touched=set(), unbuffered=True)
    assert compressed == one
    assert buffered is None or not buffered.unbuffered or buffered == one


def test_the_recorded_address_is_replaced(world):
    one = some(world, "entitydata.lower-case")
    answer = at_server(one, "http://wiki.example")
    assert dict(answer.headers)["Location"].startswith("http://wiki.example/wiki/Special:EntityData/Q")
    assert at_server(one, "http://127.0.0.1:8492") == one.answer

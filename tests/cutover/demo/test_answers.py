from cutover.demo.answers import Answer, Asked, Refusal, error_page
from cutover.demo.forms import read_form


def test_an_error_page_escapes_what_it_quotes():
    page = error_page(404, "Not Found", "Can't <b>", ())
    assert (page.status, page.headers) == (404, (("Content-Type", "text/html; charset=utf-8"),))
    assert b"Can&#039;t &lt;b&gt;" in page.body


def test_a_request_shows_its_merged_parameters():
    form = read_form("a=1", b"", "")
    asked = Asked(method="GET", target="/x?a=1", path="/x", query="a=1", headers={}, form=form)
    assert asked.values == {"a": "1"}


def test_a_refusal_carries_its_answer():
    answer = Answer(status=400)
    assert Refusal(answer).answer is answer

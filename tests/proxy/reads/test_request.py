"""What of a request is certain enough to be answered without the wiki."""

from urllib.parse import quote

import pytest

from proxy.reads.request import ReadRequest, read_values, refuse_headers
from wikibase.render.outcome import Decline, DeclinedError


def request(query: str = "", body: bytes = b"", method: str = "GET", **headers: str) -> ReadRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return ReadRequest(method=method, target=f"/w/api.php?{query}", headers=named, body=body)


def test_the_form_wins_over_the_query() -> None:
    form = request("ids=Q1&a=%20b+c", b"ids=Q2", "POST", content_type="application/x-www-form-urlencoded")
    assert read_values(form) == {"ids": "Q2", "a": " b c"}
    assert form.query == "ids=Q1&a=%20b+c"


def test_text_in_nfc_is_read_and_a_list_may_begin_with_its_separator() -> None:
    assert read_values(request(f"t={quote('é')}&ids=%1FQ1%1FQ2")) == {"t": "é", "ids": "\x1fQ1\x1fQ2"}


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("ids[]=Q1", Decline.PARAMETER),
        ("t=%FF%FE", Decline.UNCLEAN_TEXT),
        (f"t={quote('e' + chr(0x301))}", Decline.UNCLEAN_TEXT),
        ("t=a%07", Decline.UNCLEAN_TEXT),
        ("t=a%1Fb", Decline.UNCLEAN_TEXT),
        (f"t={quote(chr(0xFFFD))}", Decline.UNCLEAN_TEXT),
        ("&".join(f"a{number}=" for number in range(1001)), Decline.PARAMETER),
    ],
)
def test_what_mediawiki_reads_otherwise_is_declined(query: str, reason: Decline) -> None:
    with pytest.raises(DeclinedError) as error:
        read_values(request(query))
    assert error.value.declined.reason is reason


@pytest.mark.parametrize(
    ("cookie", "anonymous"),
    [
        ("", True),
        ("cpPosIndex=1; UseDC=master", True),
        ("wikidb_session=x", False),
        ("UseDC=master; GeoIP=DE", False),
    ],
)
def test_a_cookie_that_is_not_known_may_be_an_account(cookie: str, *, anonymous: bool) -> None:
    assert request(cookie=cookie).is_anonymous is anonymous


def test_credentials_are_the_wikis() -> None:
    refuse_headers(request(accept="*/*"))
    with pytest.raises(DeclinedError) as error:
        refuse_headers(request(authorization="OAuth x"))
    assert error.value.declined.reason is Decline.HEADER
    assert "OAuth" not in str(error.value)

import re

from cutover.demo.records import User
from cutover.demo.sessions import SESSIONS_MAX, Sessions, after_edit_cookies

ALICE = User(name="Alice", user_id=3)


def test_each_token_differs_and_each_stays_good_in_its_session_only():
    sessions = Sessions("w")
    session, other = sessions.start(ALICE)[0], sessions.start(ALICE)[0]
    first, second = session.token("csrf", 1), session.token("csrf", 2)
    assert re.fullmatch(r"[0-9a-f]{48}\+\\", first)
    assert first != second
    assert session.accepts("csrf", first)
    assert session.accepts("csrf", second)
    assert not session.accepts("login", first)
    assert not other.accepts("csrf", first)
    assert not session.accepts("csrf", "+\\")
    assert not session.accepts("csrf", "é" * 50)


def test_a_session_is_found_by_its_cookie_until_it_ends():
    sessions = Sessions("w")
    session, cookies = sessions.start(ALICE)
    assert [cookie.partition("=")[0] for cookie in cookies] == ["w_session", "wUserID", "wUserName", "wToken"]
    assert sessions.find(f"a=b; w_session={session.key}") is session
    assert sessions.find("w_session=other") is None
    assert len(sessions.end(session)) == 3
    assert sessions.find(f"w_session={session.key}") is None


def test_the_oldest_session_is_forgotten_when_there_are_too_many():
    sessions = Sessions("w")
    first = sessions.start()[0]
    for _ in range(SESSIONS_MAX):
        sessions.start()
    assert sessions.find(f"w_session={first.key}") is None


def test_an_edit_sets_three_cookies_of_ten_seconds():
    cookies = after_edit_cookies(3, 1795360704, "client")
    assert [cookie.partition("=")[0] for cookie in cookies] == ["cpPosIndex", "UseDC", "UseCDNCache"]
    assert all("Max-Age=10" in cookie for cookie in cookies)

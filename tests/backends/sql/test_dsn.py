"""Addresses of databases: what is understood, what is refused, and that nothing secret is told."""

import ssl
from pathlib import Path

import pytest

from backends.errors import RefusedError
from backends.sql.dsn import Dsn, parse_dsn, tls_of


def test_an_address_has_its_parts() -> None:
    told = parse_dsn("mysql://al%40ice@db.example:3307/wiki%5fa?prefix=mw_&tls=verify")
    assert told == Dsn(
        scheme="mysql",
        user="al@ice",
        host="db.example",
        port=3307,
        database="wiki_a",
        prefix="mw_",
        tls="verify",
    )


def test_a_socket_stands_for_host_and_port() -> None:
    told = parse_dsn("mysql://alice@/wiki?socket=/run/mysqld/mysqld.sock")
    assert (told.socket, told.is_here) == ("/run/mysqld/mysqld.sock", True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sqlite:///x", "begins with mysql://"),
        ("mysql://db/x", "names a user"),
        ("mysql://a@db", "names the database"),
        ("mysql://a@db/", "names the database"),
        ("mysql://a@/x", "names a host or a socket"),
        ("mysql://a@db:99999/x", "mysql://USER@HOST:PORT/DATABASE"),
        ("mysql://a@db/x?colour=red", "no option 'colour'"),
        ("mysql://a@db/x?tls=maybe", "verify or off"),
    ],
)
def test_what_cannot_be_an_address_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_dsn(text)


def test_a_password_is_refused_and_not_repeated() -> None:
    with pytest.raises(ValueError, match="environment") as caught:
        parse_dsn("mysql://a:hunter2@db/x")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_on_this_machine_nothing_needs_to_be_secured(host: str) -> None:
    assert tls_of(parse_dsn(f"mysql://a@{host}/x")) is None


def test_to_another_machine_the_server_must_prove_who_it_is() -> None:
    context = tls_of(parse_dsn("mysql://a@db.example/x"))
    assert context is not None
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_only_by_name_is_it_left_out() -> None:
    assert tls_of(parse_dsn("mysql://a@db.example/x?tls=off")) is None


def test_authorities_that_cannot_be_read_stop_everything(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="cannot be read"):
        tls_of(parse_dsn(f"mysql://a@db.example/x?tls_ca={tmp_path}/none.pem"))

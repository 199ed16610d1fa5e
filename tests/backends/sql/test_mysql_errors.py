"""Each code of the server has its name, and says whether trying again helps."""

import pytest
from asyncmy.errors import OperationalError

from backends.errors import BackendError, ConflictError, RefusedError, UnavailableError
from backends.sql.mysql_errors import code_of, is_undone, named_error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OperationalError(1062, "Duplicate entry"), ConflictError),
        (OperationalError(1213, "Deadlock found"), ConflictError),
        (OperationalError(2013, "Lost connection"), UnavailableError),
        (OperationalError(2006, "Gone away"), UnavailableError),
        (OperationalError(1040, "Too many connections"), UnavailableError),
        (OperationalError(1290, "read-only"), UnavailableError),
        (OperationalError(1045, "Access denied"), RefusedError),
        (OperationalError(1064, "Syntax"), RefusedError),
        (ConnectionResetError(), UnavailableError),
        (TimeoutError(), UnavailableError),
    ],
)
def test_each_error_has_a_name(error: Exception, kind: type[BackendError]) -> None:
    named = named_error(error, "u@h/d")
    assert type(named) is kind
    assert str(named).startswith("u@h/d: ")
    assert len(str(named)) > len("u@h/d: ")


@pytest.mark.parametrize(("code", "undone"), [(1213, True), (1020, True), (1205, False), (1062, False)])
def test_only_what_the_server_undid_by_itself_may_be_tried_again(code: int, undone: bool) -> None:
    named = ConflictError("x")
    named.__cause__ = OperationalError(code, "x")
    assert is_undone(named) is undone
    assert code_of(named.__cause__) == code
    assert code_of(ValueError(1)) is None

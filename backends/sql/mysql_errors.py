"""The errors of MySQL, MariaDB and what speaks their protocol: named by whose fault they are. Pure."""

from collections.abc import Mapping

from asyncmy.errors import MySQLError

from backends.errors import BackendError, ConflictError, RefusedError, UnavailableError

_NOBODY_WON = frozenset({1213, 1020})  # deadlock and the like: undone by the server, to be tried again
_KIND_OF_CODE: Mapping[int, type[BackendError]] = {
    1062: ConflictError,  # a key that is there already
    1205: ConflictError,  # lock wait timeout
    1213: ConflictError,  # deadlock: somebody else was first
    1020: ConflictError,  # record has changed since last read
    **dict.fromkeys((1021, 1040, 1053, 1077, 1105, 1114, 1129, 1158, 1159, 1160, 1161, 1203, 1226), UnavailableError),
    **dict.fromkeys((2002, 2003, 2005, 2006, 2013, 2014, 2055, 3024, 1927, 1969, 1317), UnavailableError),
    **dict.fromkeys((1290, 1792, 1836), UnavailableError),  # read-only: somebody is switching over
}


def named_error(error: BaseException, where: str) -> BackendError:
    """Return the named error for what the driver raised; an unknown code is the caller's fault: RefusedError."""
    code = code_of(error)
    if code is None:
        return UnavailableError(f"{where}: {str(error) or type(error).__name__}")
    return _KIND_OF_CODE.get(code, RefusedError)(f"{where}: {error}")


def code_of(error: BaseException | None) -> int | None:
    """Return the server's or the driver's code of an error, None where it has none."""
    first = error.args[0] if isinstance(error, MySQLError) and error.args else None
    return first if isinstance(first, int) else None


def is_undone(error: BaseException) -> bool:
    """Say whether the server undid a whole transaction of its own accord, so that trying again is no repetition."""
    return code_of(error.__cause__) in _NOBODY_WON

"""Errors of the backends. Each says whose fault it is (the class) and whether retrying helps (`retry`)."""


class BackendError(Exception):
    """Something outside this process did not do what was asked. Never raised itself, only its kinds."""

    retry = False


class UnavailableError(BackendError):
    """The other side cannot be reached, timed out, or says that it is overloaded."""

    retry = True

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class RefusedError(BackendError):
    """The other side understood and said no: rights, bad request, read-only."""


class NotFoundError(BackendError):
    """What was asked for does not exist there."""


class ConflictError(BackendError):
    """Somebody else was first: the expected parent, head or epoch is not the present one."""


class CorruptError(BackendError):
    """The other side gave bytes that are not what their name or digest promises."""

"""What S3's clients raise, as the backends' errors. Pure.

obstore tells an answer's status and S3's code only in its text, and no headers: so Retry-After is lost, and where a
server asks for patience a pause of our own is named instead. The text itself is never passed on: it quotes answers,
and answers quote key ids and signatures. Where S3's code is known it decides, else the status.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from backends.errors import BackendError, NotFoundError, RefusedError, UnavailableError

SLOW_DOWN_S = 1.0
"""The pause that is named when a server asks for patience, in seconds."""

_STATUS = re.compile(r"status code: (\d{3})\b")
_CODE = re.compile(r"<Code>\s*(\w+)\s*</Code>")
_PATIENCE_STATUSES = frozenset({429, 503})
_RETRY_STATUSES = frozenset({408, 429})
_NOT_FOUND, _CONFLICT, _SERVER_ERRORS, _NOT_IMPLEMENTED = 404, 409, 500, 501

CLOCK_SKEW = "this machine's clock is too far from the server's"

_UNAVAILABLE = (
    "SlowDown Throttling ThrottlingException TooManyRequests RequestLimitExceeded ServiceUnavailable InternalError"
    " RequestTimeout OperationAborted ConditionalRequestConflict"
    # the body was damaged on its way there
    " BadDigest XAmzContentSHA256Mismatch XAmzContentChecksumMismatch IncompleteBody"
)
_REFUSED: Mapping[str, str] = {
    "RequestTimeTooSkewed": CLOCK_SKEW,
    "NoSuchBucket": "there is no such bucket",
    "AccessDenied": "these credentials may not do that",
    "InvalidAccessKeyId": "the access key is not known there",
    "SignatureDoesNotMatch": "the secret key is wrong",
    "ExpiredToken": "the credentials have expired",
    "InvalidToken": "the credentials' token is not valid",
    "NotImplemented": "the server cannot do that",
    "MethodNotAllowed": "the server does not allow that",
    "AuthorizationHeaderMalformed": "the region is not the bucket's",
    "PermanentRedirect": "the bucket is elsewhere: endpoint or region is wrong",
    "InvalidObjectState": "the object is archived and cannot be read",
    "QuotaExceeded": "the quota is used up",
}
_PATIENCE_CODES = frozenset({"SlowDown", "Throttling", "ThrottlingException", "TooManyRequests", "ServiceUnavailable"})
_KINDS: Mapping[str, Callable[[str], BackendError]] = {
    **dict.fromkeys(_UNAVAILABLE.split(), UnavailableError),
    **dict.fromkeys(_REFUSED, RefusedError),
    "NoSuchKey": NotFoundError,
    "NoSuchVersion": NotFoundError,
}
_WITHOUT_ANSWER: Sequence[tuple[re.Pattern[str], Callable[[str], BackendError], str]] = (
    (re.compile(r"credential provider"), RefusedError, "there are no credentials for S3"),
    (
        re.compile(r"\b(?:InvalidCertificate|InvalidMessage|AlertReceived|PeerIncompatible|PeerMisbehaved)\("),
        RefusedError,
        "no TLS connection that can be trusted",
    ),
    (re.compile(r"redirect without LOCATION", re.IGNORECASE), RefusedError, _REFUSED["PermanentRedirect"]),
    (re.compile(r"\bInvalidPath\b"), RefusedError, "there are names that cannot be keys"),
    (re.compile(r"kind: Timeout|TimedOut"), UnavailableError, "no answer in time"),
    (re.compile(r"IncompleteBody|IncompleteMessage"), UnavailableError, "the answer broke off"),
    (re.compile(r"kind: Connect\b"), UnavailableError, "the server cannot be reached"),
)
_UNKNOWN: tuple[Callable[[str], BackendError], str] = (UnavailableError, "no answer that S3 would give")


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of a failed request: HTTP status and S3's own code, None where there was none."""

    status: int | None
    code: str | None

    @property
    def is_condition_absent(self) -> bool:
        """Say whether the server does not know create-only writes."""
        return self.status == _NOT_IMPLEMENTED or self.code == "NotImplemented"

    @property
    def is_conflict(self) -> bool:
        """Say whether two writes met, which does not tell that either succeeded."""
        return self.status == _CONFLICT


def answer_of(error: Exception) -> Answer:
    """Return what obstore's error tells of the answer."""
    text = str(error)
    status, code = _STATUS.search(text), _CODE.search(text)
    return Answer(int(status[1]) if status else None, code[1] if code else None)


def named(doing: str, answer: Answer) -> BackendError:
    """Return the error of an answer. `doing` says what was tried and where."""
    status, code = answer.status, answer.code
    said = _REFUSED.get(code or "", "") or "the server said so"
    message = f"{doing}: {said} ({' '.join(str(part) for part in (status, code) if part is not None)})"
    if code in _PATIENCE_CODES or status in _PATIENCE_STATUSES:
        return UnavailableError(message, retry_after_s=SLOW_DOWN_S)
    if kind := _KINDS.get(code or ""):
        return kind(message)
    if status is None or status in _RETRY_STATUSES or (status >= _SERVER_ERRORS and status != _NOT_IMPLEMENTED):
        return UnavailableError(message)
    if status == _NOT_FOUND:
        # Something between us and S3 that knows no S3: no proof that the object is missing.
        return UnavailableError(f"{doing}: a 404 that does not come from S3")
    return RefusedError(message)


def translated(doing: str, error: Exception) -> BackendError:
    """Return obstore's error as ours. Raise it `from None`."""
    answer = answer_of(error)
    if answer.status is not None:
        return named(doing, answer)
    text = str(error)
    kind, said = next(((kind, said) for sign, kind, said in _WITHOUT_ANSWER if sign.search(text)), _UNKNOWN)
    return kind(f"{doing}: {said}")

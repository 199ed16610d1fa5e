"""What the S3 server at hand can do: tried, not read up. Done once, when the snapshots are opened.

A server that does not know create-only writes answers 501, or worse: takes the second write as it took the first.
So one key is created twice. The answer may differ between buckets of one server: radosgw 16 refuses the second write in
a plain bucket and takes it in a versioned one. The probes' keys and bytes are always the same, so that only a bucket
that takes both gathers versions of them; they lie under a name that no snapshot can have, and are not listed.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store

from backends.snapshots.s3_admin import asking, look_at_bucket, refuses_wrong_checksum
from backends.snapshots.s3_errors import answer_of, translated
from backends.snapshots.s3_place import Credentials, S3Place

_log = logging.getLogger(__name__)

RESERVED = ".cutover/"
"""Where the probes lie, below the place's prefix. No snapshot's key begins with a dot."""

_CREATE_KEY = RESERVED + "create-only"
_CHECKSUM_KEY = RESERVED + "wrong-checksum"
_BODY = b"cutover asks here what this server can do. Please leave it.\n"
_CREATES = 2


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What server, bucket and credentials allow. None: these credentials may not find out.

    `conditional_put`: a key can be created and not overwritten. `versioning`, `object_lock`: on for the bucket.
    `checksum`: a body that does not fit the checksum sent along is refused.
    """

    conditional_put: bool | None
    versioning: bool | None
    object_lock: bool | None
    checksum: bool | None


async def probe(
    place: S3Place, store: S3Store, credentials: Credentials, *, timeout_s: float, connect_timeout_s: float
) -> Capabilities:
    """Try what the server can do, and say what matters in the log. Raises RefusedError, UnavailableError."""
    async with asking(place, credentials, timeout_s=timeout_s, connect_timeout_s=connect_timeout_s) as client:
        bucket = await look_at_bucket(client, place)
        conditional_put = await creates_only_once(place, store)
        checksum = await refuses_wrong_checksum(client, place, _CHECKSUM_KEY) if conditional_put else None
    found = Capabilities(conditional_put, bucket.versioning, bucket.object_lock, checksum)
    _log.info("%s: %s", place, found, extra={"action": "snapshots_opened"})
    for warning in (*_absences(found), *bucket.warnings):
        _log.warning("%s: %s", place, warning, extra={"action": "snapshots_warning"})
    return found


async def creates_only_once(place: S3Place, store: S3Store) -> bool | None:
    """Say whether a second creation of a key is refused; None when these credentials may not write.

    Raises RefusedError, UnavailableError.
    """
    for _ in range(_CREATES):
        try:
            await obstore.put_async(store, place.prefix + _CREATE_KEY, _BODY, mode="create", use_multipart=False)
        except AlreadyExistsError as error:
            if not answer_of(error).is_conflict:
                return True
            raise translated(f"{place}: trying a create-only write", error) from None
        except (BaseError, OSError) as error:
            answer = answer_of(error)
            if answer.is_condition_absent:
                return False
            if answer.code == "AccessDenied":
                return None
            raise translated(f"{place}: trying a create-only write", error) from None
    return False


def _absences(found: Capabilities) -> list[str]:
    """Return a sentence for each thing that is missed."""
    sentences: Mapping[str, Mapping[bool | None, str]] = {
        "conditional_put": {
            False: "the server has no create-only writes: each key is looked at before it is written, and only one"
            " process may write at a time",
            None: "these credentials may not write: snapshots can only be read",
        },
        "versioning": {False: "versioning is off: what others overwrite or delete is gone"},
    }
    return [texts[known] for name, texts in sentences.items() if (known := getattr(found, name)) in texts]

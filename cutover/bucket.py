"""`cutover bucket`: make the bucket for the snapshots, or look at what one is set to. Exit 1: something to be told.

`create` is harmless to repeat. Both print what the server says it is set to, and whatever would harm snapshots.
"""

import argparse
import asyncio
from typing import TYPE_CHECKING, Literal, cast

import orjson
import uvloop

from backends.config import Config
from backends.config_file import ConfigError
from backends.connect import s3_place
from cutover.options import add_config_options, config_of

if TYPE_CHECKING:
    from backends.snapshots.s3_admin import Bucket

_UNKNOWN = "these credentials may not ask"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("what", choices=("create", "check"))
    add_config_options(parser)
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")


def run(options: argparse.Namespace) -> int:
    """Run the verb."""
    config = config_of(options)
    if config.snapshots.kind != "s3":
        raise ConfigError(str(options.config or "config"), 0, "snapshots.kind", "is not s3: there is no bucket to make")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(create(config) if options.what == "create" else check(config))
    if options.json:
        print(orjson.dumps(found).decode())
    else:
        _say(found)
    return int(bool(found.warnings))


async def create(config: Config) -> "Bucket":
    """Create the bucket where it is missing; set versioning and retention. Raises backends.errors."""
    from backends.snapshots.s3_admin import Retention  # noqa: PLC0415 - who keeps files need not load an S3 client
    from backends.snapshots.s3_bucket import prepare_bucket  # noqa: PLC0415 - as above

    limits = config.snapshots
    mode = cast("Literal['GOVERNANCE', 'COMPLIANCE']", limits.retention_mode)
    retention = Retention(limits.retention_days, mode) if limits.retention_days else None
    return await prepare_bucket(
        s3_place(limits), retention, timeout_s=limits.timeout_s, connect_timeout_s=limits.connect_timeout_s
    )


async def check(config: Config) -> "Bucket":
    """Ask what the bucket is set to. Raises backends.errors."""
    from backends.snapshots.s3_admin import asking, look_at_bucket  # noqa: PLC0415 - as above
    from backends.snapshots.s3_place import Credentials  # noqa: PLC0415 - as above

    limits = config.snapshots
    place = s3_place(limits)
    async with asking(
        place, Credentials(), timeout_s=limits.timeout_s, connect_timeout_s=limits.connect_timeout_s
    ) as client:
        return await look_at_bucket(client, place)


def _say(found: "Bucket") -> None:
    words = {True: "on", False: "off", None: _UNKNOWN}
    print(f"Versioning: {words[found.versioning]}. Object Lock: {words[found.object_lock]}.")
    if found.retention:
        print(f"Nobody may delete a snapshot for {found.retention.days} days ({found.retention.mode}).")
    for warning in found.warnings:
        print(f"  {warning}")

"""Lifecycle rules that would harm snapshots."""

from typing import Any

import pytest
from fakes.s3 import TIMES, S3Server, use_keys

from backends.snapshots.s3 import S3Snapshots
from backends.snapshots.s3_admin import asking, lifecycle_warnings, look_at_bucket
from backends.snapshots.s3_place import Credentials, S3Place


@pytest.fixture
def place(server: S3Server, bucket: S3Place, monkeypatch: pytest.MonkeyPatch) -> S3Place:
    use_keys(server, monkeypatch)
    return bucket


async def test_a_lifecycle_rule_that_deletes_snapshots_is_warned_of(
    place: S3Place, caplog: pytest.LogCaptureFixture
) -> None:
    rule = {"ID": "tidy", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 30}}
    async with asking(place, Credentials(), **TIMES) as client:
        await client.put_bucket_lifecycle_configuration(Bucket=place.bucket, LifecycleConfiguration={"Rules": [rule]})
        bucket = await look_at_bucket(client, place)
    assert [warning for warning in bucket.warnings if "'tidy' deletes" in warning]
    await S3Snapshots.open(place)
    assert "'tidy' deletes" in caplog.text


EXPIRES = {"Expiration": {"Days": 1}}


@pytest.mark.parametrize(
    ("rule", "harm"),
    [
        ({"Filter": {"Prefix": ""}, **EXPIRES}, "deletes"),
        ({"Prefix": "wiki/", **EXPIRES}, "deletes"),
        ({"Filter": {"Prefix": "wiki/Q1"}, **EXPIRES}, "deletes"),
        ({"Filter": {"Prefix": "wi"}, "Expiration": {"Date": "2030-01-01"}}, "deletes"),
        ({"Filter": {}, **EXPIRES}, "deletes"),
        (EXPIRES, "deletes"),
        ({"Filter": {"And": {"Prefix": "wiki/", "ObjectSizeGreaterThan": 10}}, **EXPIRES}, "deletes"),
        ({"Transitions": [{"Days": 1, "StorageClass": "GLACIER"}]}, "archives"),
        ({"Filter": {"Prefix": "other/"}, **EXPIRES}, ""),
        ({"Filter": {"Tag": {"Key": "temporary", "Value": "1"}}, **EXPIRES}, ""),
        ({"Filter": {"And": {"Prefix": "wiki/", "Tags": [{"Key": "a", "Value": "b"}]}}, **EXPIRES}, ""),
        ({"NoncurrentVersionExpiration": {"NoncurrentDays": 1}}, ""),
        ({"Expiration": {"ExpiredObjectDeleteMarker": True}}, ""),
        ({"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}}, ""),
    ],
)
def test_a_lifecycle_rule_harms_what_it_deletes_or_archives_under_our_prefix(rule: dict[str, Any], harm: str) -> None:
    told = lifecycle_warnings([{"ID": "r", "Status": "Enabled", **rule}], "wiki/")
    assert [harm in sentence for sentence in told] == ([True] if harm else [])
    assert not lifecycle_warnings([{"ID": "r", "Status": "Disabled", **rule}], "wiki/")

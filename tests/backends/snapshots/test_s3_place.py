"""Who may read and write: addresses, keys, clocks and certificates; and a real gateway that is restarted."""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import create_connection, create_server
from typing import Any

import pytest
from fakes.s3 import S3Server, new_bucket, part_of, radosgw, radosgw_configuration, use_keys
from fakes.s3_faults import Fault, an_hour_later, answer, faulty
from fakes.waiting import until
from suites.snapshots_suite import KEY

from backends.errors import RefusedError, UnavailableError
from backends.snapshots.s3 import S3Snapshots
from backends.snapshots.s3_bucket import prepare_bucket
from backends.snapshots.s3_place import Credentials, S3Place, data_client
from backends.snapshots.s3_probe import Capabilities

UNKNOWN = Capabilities(conditional_put=True, versioning=None, object_lock=None, checksum=None)

TLS_HANDSHAKE = b"\x16"


def unprobed(place: S3Place) -> S3Snapshots:
    client = data_client(place, Credentials(), requests_max=8, timeout_s=5, connect_timeout_s=5)
    return S3Snapshots(place, client, UNKNOWN, requests_max=8, timeout_s=5, body_bytes_max=1000)


@pytest.fixture(scope="module")
def bucket() -> Iterator[S3Place]:
    with new_bucket(radosgw()) as made:
        yield made


@pytest.fixture
def real(bucket: S3Place, monkeypatch: pytest.MonkeyPatch) -> S3Place:
    """A place on the real radosgw. Moto believes every signature."""
    use_keys(radosgw(), monkeypatch)
    return part_of(bucket)


@pytest.mark.services
async def test_a_wrong_secret_is_refused_and_told_nowhere(
    real: S3Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    for work in (S3Snapshots.open(real), prepare_bucket(real), unprobed(real).read(KEY)):
        with pytest.raises(RefusedError, match="403") as caught:
            await work
        assert caught.value.__cause__ is None
        for telling in (str(caught.value), repr(unprobed(real)), repr(unprobed(real)._client), caplog.text):
            assert "hunter2" not in telling


@pytest.mark.services
async def test_a_wrong_access_key_is_refused(real: S3Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    with pytest.raises(RefusedError, match="not known"):
        await unprobed(real).read(KEY)
    with pytest.raises(RefusedError):
        await S3Snapshots.open(real)


@pytest.mark.services
async def test_no_credentials_at_all_are_named(real: S3Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    for work in (S3Snapshots.open(real), prepare_bucket(real), unprobed(real).read(KEY)):
        with pytest.raises(RefusedError, match="no credentials"):
            await work


@pytest.mark.services
async def test_credentials_are_read_from_the_usual_file(
    real: S3Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    keys = f"aws_access_key_id = {radosgw().access_key}\naws_secret_access_key = {radosgw().secret_key}\n"
    (tmp_path / "credentials").write_text(f"[cutover]\n{keys}")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_PROFILE", "cutover")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    opened = await S3Snapshots.open(real)
    assert await opened.create(KEY, b"body")


@pytest.mark.services
async def test_a_clock_that_is_an_hour_off_is_named(real: S3Place) -> None:
    async with faulty(real.endpoint) as between:
        place = replace(real, endpoint=between.endpoint)
        opened = await S3Snapshots.open(place)
        between.fault = Fault(request=an_hour_later)
        for work in (opened.create(KEY, b""), opened.read(KEY), S3Snapshots.open(place)):
            with pytest.raises(RefusedError, match="clock"):
                await work


async def test_credentials_are_asked_for_again_before_they_can_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    use_keys(S3Server("", "key", "secret"), monkeypatch)
    told = await Credentials()()
    assert (told["access_key_id"], told["secret_access_key"]) == ("key", "secret")
    expires_at = told["expires_at"]
    assert expires_at
    assert timedelta(minutes=5) < expires_at - datetime.now(UTC) <= timedelta(minutes=10)


async def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    use_keys(S3Server("", "key", "secret"), monkeypatch)
    with create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    place = S3Place(bucket="test", endpoint=f"http://127.0.0.1:{port}")
    for work in (S3Snapshots.open(place), unprobed(place).read(KEY), unprobed(place).create(KEY, b"")):
        with pytest.raises(UnavailableError):
            await work


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"bucket": "No_Bucket"}, "bucket"),
        ({"bucket": ""}, "bucket"),
        ({"bucket": "b1"}, "bucket"),
        ({"prefix": "wiki"}, "prefix"),
        ({"prefix": "/wiki/"}, "prefix"),
        ({"prefix": "../"}, "prefix"),
        ({"prefix": "a//"}, "prefix"),
        ({"endpoint": "s3.example"}, "endpoint"),
        ({"endpoint": "ftp://s3.example"}, "endpoint"),
        ({"endpoint": "https://s3.example/path"}, "endpoint"),
        ({"endpoint": "https://user:hunter2@s3.example"}, "must not carry"),
        ({"endpoint": "http://s3.example"}, "plain HTTP"),
        ({"endpoint": "http://10.0.0.1:7480"}, "plain HTTP"),
        ({"endpoint": "http://127.0.0.1.example"}, "plain HTTP"),
    ],
)
def test_an_address_that_cannot_be_right_is_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(RefusedError, match=words) as caught:
        S3Place(**{"bucket": "test", **fields})
    assert "hunter2" not in str(caught.value)


def test_plain_http_is_for_this_machine_or_asked_for_by_name() -> None:
    for endpoint in ("http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1", "https://s3.example", ""):
        assert S3Place(bucket="test", endpoint=endpoint).endpoint == endpoint
    assert S3Place(bucket="test", endpoint="http://10.0.0.1:7480", plain_http=True).plain_http


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate that nobody vouches for."""
    folder = tmp_path_factory.mktemp("tls")
    subject = ["-subj", "/CN=s3", "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=CA:FALSE"]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run(["openssl", "req", "-x509", *key, *files, *subject], check=True, capture_output=True)
    return folder


@pytest.fixture
async def tls_endpoint(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """A server with that certificate that says of everything that there is no bucket."""
    use_keys(S3Server("", "key", "secret"), monkeypatch)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer("404 Not Found", code="NoSuchBucket"))
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    yield f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    listening.close()
    await listening.wait_closed()


async def test_a_certificate_of_nobody_is_not_trusted_whatever_the_environment_says(
    tls_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ALLOW_INVALID_CERTIFICATES", "true")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    place = S3Place(bucket="test", endpoint=tls_endpoint)
    for work in (unprobed(place).read(KEY), S3Snapshots.open(place)):
        with pytest.raises(RefusedError, match="TLS"):
            await work


async def test_a_certificate_is_trusted_when_the_operator_names_its_authority(
    tls_endpoint: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate / "cert.pem"))
    place = S3Place(bucket="test", endpoint=tls_endpoint)
    for work in (unprobed(place).read(KEY), S3Snapshots.open(place)):
        with pytest.raises(RefusedError, match="no such bucket"):
            await work


async def test_a_server_without_tls_is_not_talked_to_in_the_clear(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_keys(S3Server("", "key", "secret"), monkeypatch)
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(1))
        writer.write(answer("200 OK"))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as plain:
        place = S3Place(bucket="test", endpoint=f"https://127.0.0.1:{plain.sockets[0].getsockname()[1]}")
        for work in (unprobed(place).create(KEY, b""), S3Snapshots.open(place)):
            with pytest.raises(RefusedError, match="TLS"):
                await work
    assert set(heard) == {TLS_HANDSHAKE}


@contextmanager
def gateway(port: int, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """One more gateway to the same cluster: ours to stop."""
    options = {
        "rgw_frontends": f"beast endpoint=127.0.0.1:{port} tcp_nodelay=1",
        "pid_file": folder / "pid",
        "log_file": folder / "log",
        "admin_socket": "",
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    command = ["radosgw", "--conf", str(radosgw_configuration()), "--name", "client.rgw.a", "--foreground", *flags]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.terminate()  # killed, it would hold up the others' bucket changes for 30 s


@pytest.mark.services
async def test_a_gateway_that_is_stopped_and_started_again_is_used_again(real: S3Place, tmp_path: Path) -> None:
    with create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    place = replace(real, endpoint=f"http://127.0.0.1:{port}")
    with gateway(port, tmp_path):
        await until(lambda: _listens(port), 60)
        snapshots = await S3Snapshots.open(place)
        keys = [f"Q1/{number:03}" for number in range(100)]
        assert all(await asyncio.gather(*(snapshots.create(key, key.encode()) for key in keys)))
    with pytest.raises(UnavailableError):
        await snapshots.read(keys[0])
    with gateway(port, tmp_path):
        await until(lambda: _listens(port), 60)
        read = await asyncio.gather(*(snapshots.read(key) for key in keys))
        assert read == [key.encode() for key in keys]
        assert not any(await asyncio.gather(*(snapshots.create(key, b"other") for key in keys)))


def _listens(port: int) -> bool:
    try:
        create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True

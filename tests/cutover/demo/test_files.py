import hashlib
import tracemalloc

import pytest

from cutover.demo.files import Stretch, stretch


@pytest.mark.parametrize(
    ("wanted", "part"),
    [
        (None, Stretch(0, 99, 100, False)),
        ("bytes=10-19", Stretch(10, 19, 100, True)),
        ("bytes=90-", Stretch(90, 99, 100, True)),
        ("bytes=-5", Stretch(95, 99, 100, True)),
        ("bytes=0-500", Stretch(0, 99, 100, True)),
        ("bytes=100-", None),
        ("lines=1-2", Stretch(0, 99, 100, False)),
        ("bytes=-", Stretch(0, 99, 100, False)),
    ],
)
def test_ranges_are_read(wanted, part):
    assert stretch(100, wanted) == part


async def test_a_big_body_comes_whole_in_parts_and_chunked(small):
    size = 300_000
    whole = await small.get(f"/w/images/big.bin?size={size}")
    assert (len(whole.body), whole.headers["Content-Length"]) == (size, str(size))
    assert whole.body[70_000:70_010] == bytes((70_000 + n) % 256 for n in range(10))
    part = await small.get(f"/w/images/big.bin?size={size}", Range="bytes=65530-65545")
    assert (part.status, part.headers["Content-Range"]) == (206, f"bytes 65530-65545/{size}")
    assert part.body == whole.body[65530:65546]
    chunked = await small.get(f"/w/images/big.bin?size={size}&chunked")
    assert chunked.headers["Transfer-Encoding"] == "chunked"
    assert chunked.body == whole.body
    assert (await small.get(f"/w/images/big.bin?size={size}", Range=f"bytes={size}-")).status == 416
    head = await small.send("HEAD", f"/w/images/big.bin?size={size}")
    assert (head.headers["Content-Length"], head.body) == (str(size), b"")


async def test_an_upload_is_swallowed_in_constant_memory(small):
    block, count = b"x" * 65_536, 320

    async def body():
        for _ in range(count):
            yield block

    tracemalloc.start()
    async with small.session.post(small.wiki.url + "/wiki/Special:Upload", data=body()) as answer:
        told = await answer.json()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert told["upload"]["size"] == len(block) * count
    assert told["upload"]["sha256"] == hashlib.sha256(block * count).hexdigest()
    assert peak < 8 << 20


async def test_the_script_may_be_cached(small):
    first = await small.get("/w/load.php?modules=startup")
    again = await small.get("/w/load.php?modules=startup", If_None_Match=first.headers["ETag"])
    assert (first.status, again.status, again.body) == (200, 304, b"")

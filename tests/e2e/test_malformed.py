"""The whole corpus of malformed requests: none gets a 5xx, and the service is well afterwards."""

import asyncio
import json
from collections import Counter
from pathlib import Path

import pytest

from tests.e2e.malformed import GOOD, code_of, corpus
from tests.e2e.storages import running_on
from tests.subjects import SUBJECTS

AT_ONCE = 100
SILENCE = 6.0


async def answer_to(port: int, request: bytes) -> bytes:
    """All that comes back until the server closes, or says nothing because it waits for the rest of the request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    received = b""
    try:
        writer.write(request)
        while chunk := await asyncio.wait_for(reader.read(65536), SILENCE):
            received += chunk
    except (TimeoutError, ConnectionError):
        pass
    finally:
        writer.close()
    return received


async def verdicts(port: int, requests: list[bytes]) -> list[tuple[int, str]]:
    """Status and code for each request, in their order."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(request: bytes) -> tuple[int, str]:
        async with places:
            return code_of(await answer_to(port, request))

    return await asyncio.gather(*map(one, requests))


Verdict = tuple[int, str]


def comparable(verdict: Verdict) -> Verdict:
    """A verdict that doesn't depend on which of two requests with one title came first."""
    return (201, "") if verdict == (409, "TITLE_TAKEN") else verdict


@pytest.fixture(scope="module")
def known() -> dict[str, list[Verdict]]:
    """The verdicts of each storage that was asked before."""
    return {}


@pytest.mark.parametrize("storage", SUBJECTS)
async def test_no_malformed_request_is_the_services_fault_and_all_storages_say_the_same(
    storage: str, known: dict[str, list[Verdict]], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    requests = corpus()
    assert len(set(requests)) >= 3000
    for name in {"sqlite", storage} - known.keys():
        async with running_on(SUBJECTS[name], request, tmp_path / name) as client:
            # Here before all others, so that it makes no difference how long a storage takes to publish one.
            assert (await client.post("/api/v1/posts", json.loads(GOOD))).status == 201
            known[name] = await verdicts(client.port, requests)
            assert (await client.get("/health/ready")).status == 200
            assert (await client.get("/api/v1/posts")).status == 200
    found = known[storage]
    assert [each for each in zip(requests, found, strict=True) if each[1][0] >= 500] == []
    statuses = Counter(status for status, _ in found)
    assert statuses[400] > 200
    assert statuses[422] > 500
    pairs = zip(requests, map(comparable, known["sqlite"]), map(comparable, found), strict=True)
    assert [each for each in pairs if each[1] != each[2]] == []

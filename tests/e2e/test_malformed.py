"""The whole corpus of malformed requests: none gets a 5xx, and the service is well afterwards."""

import asyncio
from collections import Counter

from tests.e2e.malformed import code_of, corpus
from tests.e2e.service import Client

AT_ONCE = 16
SILENCE = 0.3


async def answer_to(port: int, request: bytes) -> bytes:
    """All that comes back until the server closes, or says nothing because it waits for the rest of the request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    received = b""
    try:
        writer.write(request)
        while chunk := await asyncio.wait_for(reader.read(65536), SILENCE if received or len(request) < 2000 else 2):
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


async def test_no_malformed_request_is_the_services_fault(writer: Client) -> None:
    requests = corpus()
    assert len(set(requests)) >= 3000
    found = await verdicts(writer.port, requests)
    faults = [(request, verdict) for request, verdict in zip(requests, found, strict=True) if verdict[0] >= 500]
    assert faults == []
    statuses = Counter(status for status, _ in found)
    assert statuses[400] > 200
    assert statuses[422] > 500
    assert (await writer.get("/health/ready")).status == 200
    assert (await writer.get("/api/v1/posts")).status == 200

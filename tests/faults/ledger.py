"""A load that keeps books: what was acknowledged, what was answered, what was read, and how long each answer took."""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import attrs

from tests.e2e.service import Answer, Client

WRITERS, READERS = 8, 4
PATIENCE = 0.5
"""Seconds past its deadline after which an answer counts as late."""
EXPECTED = {200, 201, 503, 504}


@attrs.define
class Ledger:
    """What a load saw. `sent` maps every title to its content, `acknowledged` ids to titles."""

    deadline: float
    sent: dict[str, str]
    acknowledged: dict[int, str] = attrs.field(factory=dict)
    answers: Counter[int] = attrs.field(factory=Counter)
    unexpected: list[str] = attrs.field(factory=list)
    wrong_reads: list[str] = attrs.field(factory=list)
    late: list[float] = attrs.field(factory=list)
    last_write: float = 0.0
    last_read: float = 0.0

    def note(self, answer: Answer, seconds: float) -> None:
        """Book one answer."""
        self.answers[answer.status] += 1
        if answer.status not in EXPECTED:
            self.unexpected.append(f"{answer.status} {answer.body[:300]!r}")
        if seconds > self.deadline + PATIENCE:
            self.late.append(seconds)


_numbers = itertools.count()


async def write(client: Client, ledger: Ledger) -> bool:
    """Publish one post and book what came of it; whether it was acknowledged."""
    clock = asyncio.get_running_loop().time
    title = f"post {next(_numbers)}"
    ledger.sent[title] = f"content of {title}"
    started = clock()
    body = {"title": title, "content": ledger.sent[title], "features": [{"feature_name": "kept"}]}
    answer = await client.post("/api/v1/posts", body)
    ledger.note(answer, clock() - started)
    if answer.status != 201:
        return False
    ledger.acknowledged[answer.json["result"]["id"]] = title
    ledger.last_write = clock()
    return True


async def read(client: Client, ledger: Ledger) -> bool:
    """Read a post that was acknowledged and book what came of it; whether it was there."""
    clock = asyncio.get_running_loop().time
    if not ledger.acknowledged:
        return False
    post_id = random.choice(list(ledger.acknowledged))
    title = ledger.acknowledged[post_id]
    started = clock()
    answer = await client.get(f"/api/v1/posts/{post_id}")
    if answer.status == 404:
        ledger.wrong_reads.append(f"{post_id} is not there")
        return False
    ledger.note(answer, clock() - started)
    if answer.status != 200:
        return False
    found = answer.json["result"]
    if (found["id"], found["title"], found["content"]) != (post_id, title, ledger.sent[title]):
        ledger.wrong_reads.append(f"{post_id}: {found}")
    if [feature["feature_name"] for feature in found["features"]] != ["kept"]:
        ledger.wrong_reads.append(f"{post_id}: features {found['features']}")
    ledger.last_read = clock()
    return True


@asynccontextmanager
async def under_load(client: Client, ledger: Ledger) -> AsyncIterator[None]:
    """Writers and readers that go on until the end, each as fast as it is answered."""
    stopping = asyncio.Event()

    async def repeat(one: object) -> None:
        while not stopping.is_set():
            if not await one(client, ledger):  # type: ignore[operator]  # one of the two functions above
                await asyncio.sleep(0.01)

    tasks = [asyncio.create_task(repeat(each)) for each in [write] * WRITERS + [read] * READERS]
    try:
        yield
    finally:
        stopping.set()
        await asyncio.wait_for(asyncio.gather(*tasks), ledger.deadline + 30)


async def recovered(ledger: Ledger, within: float) -> float:
    """Seconds from now until both a read and a write succeed again; `within` at the most."""
    clock = asyncio.get_running_loop().time
    started = clock()
    while min(ledger.last_read, ledger.last_write) < started:
        if clock() - started > within:
            return within
        await asyncio.sleep(0.005)
    return max(ledger.last_read, ledger.last_write) - started


async def stored(client: Client) -> dict[int, str]:
    """Every post that the service shows, by following the cursor."""
    found: dict[int, str] = {}
    path = "/api/v1/posts?limit=100&sort=id&sort_dir=asc"
    cursor = ""
    while True:
        answer = await client.get(f"{path}{cursor}")
        assert answer.status == 200, answer.body
        found.update({post["id"]: post["title"] for post in answer.json["result"]})
        following = answer.json["pagination"]["next_cursor"]
        if following is None:
            return found
        cursor = f"&cursor={following}"


def session_for_faults() -> aiohttp.ClientSession:
    """A session that never tries again by itself and waits for as long as it takes."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, force_close=True), timeout=aiohttp.ClientTimeout(total=60)
    )

"""Requests with an Idempotency-Key, through the whole service."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.e2e.service import SECRET, Answer, Client, a_token
from tests.e2e.storages import running_on, running_on_same
from tests.processes import service
from tests.subjects import SUBJECTS, database_for

POSTS = "/api/v1/posts"


@pytest.fixture(params=SUBJECTS)
async def writer(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Client]:
    """A client that may write, of a fresh service on each storage."""
    async with running_on(SUBJECTS[request.param], request, tmp_path) as client:
        yield client


async def publish(client: Client, key: str, title: str = "A title", **options: object) -> Answer:
    body = {"title": title, "content": "", "features": [{"feature_name": "likes"}]}
    return await client.post(POSTS, body, headers={"Idempotency-Key": key, **options})


async def until_answered(client: Client, key: str) -> Answer:
    """Try again as a client should, for as long as another try is at work."""
    for _ in range(200):
        answer = await publish(client, key)
        if "Retry-After" not in answer.headers:
            return answer
        await asyncio.sleep(0.05)
    raise AssertionError("Another try is at work, and stays so.")


async def test_a_hundred_at_once_with_one_key_make_one_post_and_get_one_answer(writer: Client) -> None:
    answers = await asyncio.gather(*(until_answered(writer, "k") for _ in range(100)))
    assert {(answer.status, answer.body, answer.headers["Location"]) for answer in answers} == {
        (201, answers[0].body, answers[0].headers["Location"])
    }
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    page = await writer.get(POSTS)
    assert page.json["pagination"]["total"] == 1


async def test_a_title_that_was_taken_stays_the_answer(writer: Client) -> None:
    first = await writer.post(POSTS, {"title": "A title", "content": ""})
    refused = await publish(writer, "k")
    await writer.delete(first.headers["Location"], first.headers["ETag"])
    again = await publish(writer, "k")
    assert (refused.status, refused.code, again.body) == (409, "TITLE_TAKEN", refused.body)
    assert (await publish(writer, "another")).status == 201


async def test_something_else_with_the_same_key_is_refused(writer: Client) -> None:
    await publish(writer, "k")
    other = await publish(writer, "k", "Another title")
    assert (other.status, other.code) == (422, "IDEMPOTENCY_KEY_REUSED")


async def test_the_same_key_of_another_caller_is_another_key(writer: Client) -> None:
    await publish(writer, "k")
    writer.token = a_token("posts:write", subject="another")
    assert (await publish(writer, "k", "Another title")).status == 201


@pytest.mark.long
@pytest.mark.parametrize("storage", SUBJECTS)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_around_the_commit_the_retry_gets_the_one_answer(
    storage: str, when: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    subject = SUBJECTS[storage]
    with database_for(subject, request, tmp_path) as dsn:
        shared = {**subject.environment(dsn), "AUTH__SECRET": SECRET, "HTTP__REQUEST_TIMEOUT": 2}
        async with aiohttp.ClientSession() as session:
            with service(tmp_path, "-m", "tests.e2e.dying", when, **shared) as dying:
                client = Client(session, int(dying.url.rpartition(":")[2]))
                client.token = a_token("posts:write")
                with pytest.raises(aiohttp.ClientError):
                    await publish(client, "k")
                assert await asyncio.to_thread(dying.process.wait, 10) == 9
            async with running_on_same(subject, tmp_path, dsn) as client:
                before = await client.get(POSTS)
                answer = await until_answered(client, "k")
                again = await publish(client, "k")
                after = await client.get(POSTS)
    assert before.json["pagination"]["total"] == (1 if when == "after" else 0)
    assert (answer.status, again.body, after.json["pagination"]["total"]) == (201, answer.body, 1)
    assert ("Idempotent-Replayed" in answer.headers) == (when == "after")

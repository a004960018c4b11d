"""What no route serves: 404, or 405 with what the path allows."""

import asyncio
import json

import pytest

from app.entrypoints.http.access import public, requires
from app.entrypoints.http.definition import definition, response
from tests.e2e.service import serving as listening
from tests.unit.http.small_service import AccessLines, a_kit, an_app, serving

TEXT = {"200": response(str)}


class Handlers:
    @definition(path="/notes/{note_id}", access=public, responses=TEXT)
    async def show(self, note_id: int) -> str:
        return "shown"

    @definition(path="/notes/{note_id}", methods="PUT", access=requires("write"), responses=TEXT)
    async def change(self, note_id: int) -> str:
        return "changed"

    @definition(path="/notes/{name}", methods="DELETE", access=public, responses=TEXT)
    async def remove(self, name: str) -> str:
        return "removed"


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/notes/1", "DELETE, GET, HEAD, PUT"),
        ("OPTIONS", "/notes/1", "DELETE, GET, HEAD, PUT"),
        ("GET", "/notes/a", "DELETE"),
        ("PURGE", "/notes/a", "DELETE"),
        ("GET", "/notes", None),
        ("GET", "/notes/1/", None),
        ("POST", "/", None),
        ("HEAD", "/nowhere", None),
    ],
)
async def test_a_path_tells_what_it_allows_or_is_not_there(method: str, path: str, allow: str | None) -> None:
    async with serving(Handlers(), base_path="/v1") as client:
        answer = await client.request(method, f"/v1{path}")
        assert (answer.status, answer.headers.get("Allow")) == ((405, allow) if allow else (404, None))
        if method != "HEAD":
            assert (await answer.json())["code"] == ("METHOD_NOT_ALLOWED" if allow else "NOT_FOUND")


async def test_a_question_to_the_whole_server_is_answered() -> None:
    async with listening(an_app(Handlers())) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        head, _, body = (await asyncio.wait_for(reader.read(), 5)).partition(b"\r\n\r\n")
        writer.close()
    assert head.startswith(b"HTTP/1.1 404")
    assert json.loads(body)["code"] == "NOT_FOUND"


async def test_strangers_share_one_series_and_have_their_lines() -> None:
    kit = a_kit()
    async with serving(Handlers(), kit=kit) as client:
        for number in range(5):
            await client.get(f"/stranger/{number}")
    assert kit.metrics.of("GET", "unmatched").statuses == {404: 5}
    assert isinstance(kit.access_log, AccessLines)
    assert [line[1] for line in kit.access_log.lines] == [f"/stranger/{number}" for number in range(5)]


async def test_expectations_change_nothing_about_a_path_that_is_not_there() -> None:
    async with serving(Handlers()) as client:
        assert (await client.get("/nowhere", headers={"Expect": "miracles"})).status == 404

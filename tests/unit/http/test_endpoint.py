"""The way of a request: one answer leaves whatever happens, counted, logged, with its id."""

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from app.context import current_request, remaining, request_id
from app.entrypoints.http.access import public, requires
from app.entrypoints.http.definition import definition, response, response_raw
from app.entrypoints.http.endpoint import HttpKit
from app.entrypoints.http.errors import HttpError
from app.entrypoints.http.metrics import RouteMetrics
from tests.e2e.service import serving as listening
from tests.unit.http.small_service import AccessLines, a_kit, an_app, serving

TEXT = {"200": response(str)}
RAW = {"200": response_raw("text/plain")}
ERRORS: dict[str, Exception] = {
    "known": LookupError("the row"),
    "passing": NotImplementedError("the pool"),
    "own": HttpError(409, "TAKEN", "Take another.", headers={"X-Why": "because"}),
    "unknown": ZeroDivisionError("password=hunter2"),
    "aiohttp": web.HTTPUnprocessableEntity(text="internal"),
    "broken": ConnectionResetError("a storage's connection"),
    "moved": web.HTTPFound("/elsewhere"),
}


class Handlers:
    @definition(path="/fail/{how}", access=public, responses=TEXT)
    async def fail(self, how: str) -> str:
        raise ERRORS[how]

    @definition(path="/unprintable", access=public, responses=TEXT)
    async def unprintable(self) -> object:
        return object()

    @definition(path="/context", access=public, responses={"200": response(dict[str, object])})
    async def context(self) -> dict[str, object]:
        return {"id": request_id(), "left": remaining(100)}

    @definition(path="/slow", access=public, responses=TEXT)
    async def slow(self) -> str:
        await asyncio.sleep(30)
        return "at last"

    @definition(path="/quiet", access=public, responses=TEXT, access_logged=False)
    async def quiet(self) -> str:
        return "hush"

    @definition(path="/closed", access=requires("key"), responses=TEXT)
    async def closed(self) -> str:
        return "in"

    @definition(path="/body", methods="POST", access=public, responses={"200": response(int)})
    async def body(self, body: list[int]) -> int:
        return len(body)

    @definition(path="/text", access=public, responses=RAW)
    async def text(self) -> web.Response:
        return web.Response(text="plain", headers={"X-A": "b"})

    @definition(path="/file", access=public, responses=RAW)
    async def file(self) -> web.FileResponse:
        return web.FileResponse(Path(__file__))

    @definition(path="/stream", access=public, responses=RAW)
    async def stream(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        for part in (b"one ", b"two"):
            await answer.write(part)
        return answer


def counted(kit: HttpKit, route: str, method: str = "GET") -> RouteMetrics:
    return kit.metrics.of(method, route)


@pytest.mark.parametrize(
    ("how", "status", "code"),
    [
        ("known", 404, "NOT_HERE"),
        ("passing", 503, "NOT_YET"),
        ("own", 409, "TAKEN"),
        ("unknown", 500, "INTERNAL_SERVER_ERROR"),
        ("aiohttp", 422, "UNPROCESSABLE_ENTITY"),
        ("moved", 302, "FOUND"),
    ],
)
async def test_every_failure_leaves_as_the_envelope(how: str, status: int, code: str) -> None:
    kit = a_kit()
    async with serving(Handlers(), kit=kit) as client:
        answer = await client.get(f"/fail/{how}", allow_redirects=False)
        body = await answer.json()
    assert (answer.status, body["success"], body["code"]) == (status, False, code)
    assert body["meta"]["request_id"] == answer.headers["X-Request-ID"]
    assert "hunter2" not in json.dumps(body)
    assert "internal" not in json.dumps(body)
    assert counted(kit, "/fail/{how}").statuses == {status: 1}
    assert counted(kit, "/fail/{how}").in_progress == 0


async def test_the_headers_of_an_error_are_sent() -> None:
    async with serving(Handlers()) as client:
        assert (await client.get("/fail/own")).headers["X-Why"] == "because"
        assert (await client.get("/fail/moved", allow_redirects=False)).headers["Location"] == "/elsewhere"


async def test_what_cannot_be_encoded_is_a_fault_of_ours() -> None:
    async with serving(Handlers()) as client:
        assert (await client.get("/unprintable")).status == 500


@pytest.mark.parametrize(
    ("how", "level"), [("unknown", logging.ERROR), ("passing", logging.WARNING), ("known", None), ("own", None)]
)
async def test_only_faults_of_ours_are_logged(how: str, level: int | None, caplog: pytest.LogCaptureFixture) -> None:
    async with serving(Handlers()) as client:
        await client.get(f"/fail/{how}")
    records = [record for record in caplog.records if record.name == "app.entrypoints.http.endpoint"]
    assert [record.levelno for record in records] == ([level] if level else [])
    assert all(record.exc_info for record in records if record.levelno == logging.ERROR)


@pytest.mark.parametrize("accept", ["application/problem+json", "text/html, application/problem+json;q=0.5"])
async def test_who_accepts_problem_details_gets_them(accept: str) -> None:
    async with serving(Handlers()) as client:
        answer = await client.get("/fail/own", headers={"Accept": accept})
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert (await answer.json(content_type=None))["status"] == 409


async def test_the_id_of_a_request_goes_in_and_out() -> None:
    async with serving(Handlers()) as client:
        for offered in ("the-id", "no good id"):
            answer = await client.get("/context", headers={"X-Request-ID": offered})
            assert (await answer.json())["result"]["id"] == answer.headers["X-Request-ID"]
            assert (answer.headers["X-Request-ID"] == offered) is (offered == "the-id")


async def test_a_request_knows_how_much_time_is_left() -> None:
    async with serving(Handlers(), kit=a_kit(request_timeout=10)) as client:
        left = (await (await client.get("/context")).json())["result"]["left"]
        assert 0 < left <= 10
    assert current_request.get() is None


async def test_a_request_that_takes_too_long_is_ended() -> None:
    kit = a_kit(request_timeout=0.01)
    async with serving(Handlers(), kit=kit) as client:
        answer = await client.get("/slow")
        assert (answer.status, (await answer.json())["code"]) == (504, "DEADLINE_EXCEEDED")
    assert counted(kit, "/slow").statuses == {504: 1}


async def test_a_line_is_written_for_each_request_that_is_not_quiet() -> None:
    kit = a_kit()
    async with serving(Handlers(), kit=kit) as client:
        await client.get("/quiet")
        await client.get("/context", headers={"X-Request-ID": "the-id"})
    assert isinstance(kit.access_log, AccessLines)
    ((method, path, status, seconds, id_, size, remote),) = kit.access_log.lines
    assert (method, path, status, id_, remote) == ("GET", "/context", 200, "the-id", "127.0.0.1")
    assert 0 < seconds < 30
    assert size > 10


async def test_head_is_counted_as_head() -> None:
    kit = a_kit()
    async with serving(Handlers(), kit=kit) as client:
        await client.head("/quiet")
    assert counted(kit, "/quiet", "HEAD").statuses == {200: 1}
    assert counted(kit, "/quiet").statuses == {}


async def test_who_may_not_come_in_is_counted_too() -> None:
    kit = a_kit()
    async with serving(Handlers(), kit=kit) as client:
        for token, status in ((None, 401), ("bad", 401), ("other", 403), ("key", 200)):
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            assert (await client.get("/closed", headers=headers)).status == status
    assert counted(kit, "/closed").statuses == {401: 2, 403: 1, 200: 1}


@pytest.mark.parametrize(
    ("path", "body"), [("/text", b"plain"), ("/file", Path(__file__).read_bytes()), ("/stream", b"one two")]
)
async def test_a_response_of_the_handlers_own_passes_through(path: str, body: bytes) -> None:
    kit = a_kit()
    async with serving(Handlers(), kit=kit) as client:
        answer = await client.get(path)
        assert (answer.status, await answer.read()) == (200, body)
        assert "X-Request-ID" in answer.headers
    assert counted(kit, path).statuses == {200: 1}


async def test_a_connection_of_ours_that_broke_is_a_fault_of_ours() -> None:
    async with serving(Handlers()) as client:
        answer = await client.get("/fail/broken")
        assert (answer.status, (await answer.json())["code"]) == (500, "INTERNAL_SERVER_ERROR")


async def test_a_caller_who_went_away_is_counted_as_such_and_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    kit = a_kit()
    async with listening(an_app(Handlers(), kit=kit)) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n[1")
        async with asyncio.timeout(5):
            while counted(kit, "/body", "POST").in_progress == 0:
                await asyncio.sleep(0.01)
            writer.close()
            while counted(kit, "/body", "POST").in_progress:
                await asyncio.sleep(0.01)
    assert counted(kit, "/body", "POST").statuses == {499: 1}
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def everything(kit: Any) -> set[str]:
    return {route for _, route in kit.metrics._routes}


async def test_no_caller_makes_a_route() -> None:
    kit = a_kit()
    async with serving(Handlers(), kit=kit) as client:
        before = everything(kit)
        for path in ("/nowhere", "/fail/known", "/fail/x/y", "/%ff"):
            await client.get(path)
    assert everything(kit) == before

"""What an operator sees: health, metrics, the documentation, access lines."""

import asyncio
import io
import json
from pathlib import Path

import pytest
from dependency_injector import providers
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from app.container import Container
from app.domain.errors import Unavailable
from app.entrypoints.app import create_app
from app.entrypoints.http.access_log import AccessLog
from app.entrypoints.http.routing import OPERATIONS
from tests.e2e.service import Client, a_token, running, running_on_sqlite, settings_in
from tests.subjects import SUBJECTS


async def test_a_service_that_can_serve_is_ready(anonymous: Client) -> None:
    for path, status in (("/health/live", "alive"), ("/health/ready", "ready"), ("/health_check", "ready")):
        answer = await anonymous.get(path)
        assert (answer.status, answer.json["result"]) == (200, {"status": status})


async def test_without_its_schema_a_service_lives_and_is_not_ready(tmp_path: Path) -> None:
    async with running(Container(settings=settings_in(tmp_path))) as client:
        answer = await client.get("/health/ready")
        assert (answer.status, answer.code) == (503, "NOT_READY")
        assert "0001.create-posts" in answer.json["message"]
        assert (await client.get("/health/live")).status == 200


class SilentPool:
    """A storage that opens and then says nothing."""

    name = "silent"
    is_required = True

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def ping(self) -> None:
        raise Unavailable("Nobody there.")


async def test_without_its_storage_a_service_lives_and_is_not_ready(tmp_path: Path) -> None:
    container = Container(settings=settings_in(tmp_path))
    container.pools.override(providers.List(providers.Factory(SilentPool)))
    container.pool_metrics.override(providers.Object(None))
    async with running(container) as client:
        assert (await client.get("/health_check")).status == 503
        assert (await client.get("/health/live")).status == 200


async def test_metrics_count_by_route_template(anonymous: Client) -> None:
    for path in ("/api/v1/posts/1", "/api/v1/posts/2", "/nowhere/1", "/nowhere/2"):
        await anonymous.get(path)
    await anonymous.send("PATCH", "/api/v1/posts")
    text = (await anonymous.get("/metrics")).body.decode()
    assert 'http_requests_total{method="GET",route="/api/v1/posts/{post_id}",status="404"} 2.0' in text
    assert 'http_requests_total{method="GET",route="unmatched",status="404"} 2.0' in text
    assert 'http_requests_total{method="PATCH",route="unmatched",status="405"} 1.0' in text
    assert 'http_request_duration_seconds_count{method="GET",route="/api/v1/posts/{post_id}"} 2.0' in text
    assert 'http_requests_in_progress{method="GET",route="/metrics"} 1.0' in text
    assert 'http_requests_in_progress{method="GET",route="/api/v1/posts/{post_id}"} 0.0' in text
    assert 'storage_pool_size{pool="primary"} 5.0' in text


async def test_the_number_of_series_does_not_depend_on_callers(anonymous: Client) -> None:
    async def series() -> int:
        return len((await anonymous.get("/metrics")).body.splitlines())

    async def wander() -> None:
        for number in range(50):
            await anonymous.get(f"/somewhere/{number}")
            await anonymous.get(f"/api/v1/posts/{number}")

    await wander()
    await series()
    before = await series()
    await wander()
    assert await series() == before


async def test_the_document_is_valid_and_tells_of_every_route(anonymous: Client) -> None:
    answer = await anonymous.get("/swagger.json")
    validate(answer.json)
    assert answer.json["openapi"] == "3.1.0"
    mounted = create_app(Container(settings=settings_in(Path("unused"))))[OPERATIONS]
    its_own = {"/swagger.json", "/docs", "/docs/{name}"}
    assert set(answer.json["paths"]) == {operation.path for operation in mounted} - its_own
    assert len(answer.json["paths"]) >= 7
    publish = answer.json["paths"]["/api/v1/posts"]["post"]
    assert publish["operationId"] == "publish_post"
    assert publish["security"] == [{"bearer": ["posts:write"]}]
    assert publish["requestBody"]["content"]["application/json"]["example"]["title"] == "Hexagons"
    assert {"201", "401", "403", "409", "422", "503", "4XX", "5XX"} <= set(publish["responses"])


async def test_every_parameter_and_the_service_itself_are_described(anonymous: Client) -> None:
    document = (await anonymous.get("/swagger.json")).json
    operations = [each for methods in document["paths"].values() for each in methods.values()]
    parameters = [each for operation in operations for each in operation["parameters"] if "$ref" not in each]
    assert len(parameters) > 20
    assert [each for each in parameters if not each.get("description")] == []
    assert "make token" in document["components"]["securitySchemes"]["bearer"]["description"]
    assert "envelope" in document["info"]["description"]


async def test_every_example_is_what_its_schema_says(anonymous: Client) -> None:
    document = (await anonymous.get("/swagger.json")).json
    checked = 0
    for methods in document["paths"].values():
        for operation in methods.values():
            for part in (*operation["responses"].values(), operation.get("requestBody", {})):
                for media in part.get("content", {}).values():
                    if "example" in media:
                        schema = {**media["schema"], "components": document["components"]}
                        Draft202012Validator(schema).validate(media["example"])
                        checked += 1
    assert checked >= 10


async def test_the_page_loads_nothing_from_elsewhere(anonymous: Client) -> None:
    page = await anonymous.get("/docs")
    assert page.headers["Content-Type"].startswith("text/html")
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert b"//" not in page.body.replace(b"<!DOCTYPE html>", b"")
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "init.js", "favicon-32x32.png"):
        answer = await anonymous.get(f"/docs/{name}")
        assert answer.status == 200
        assert (await anonymous.get(f"/docs/{name}", headers={"If-None-Match": answer.headers["ETag"]})).status == 304
    assert (await anonymous.get("/docs/secrets.py")).status == 404


async def test_one_access_line_per_request_and_none_for_health(tmp_path: Path) -> None:
    stream = io.StringIO()
    container = Container(settings=settings_in(tmp_path))
    container.access_log.override(providers.Object(AccessLog(as_json=True, stream=stream)))
    async with running(container) as client:
        await client.get("/health/live")
        await client.get("/metrics")
        await client.get("/nowhere?token=secret", headers={"X-Request-ID": "the-id"})
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert len(lines) == 1
    assert {key: lines[0][key] for key in ("method", "path", "status", "request_id", "event")} == {
        "method": "GET",
        "path": "/nowhere",
        "status": 404,
        "request_id": "the-id",
        "event": "request",
    }


async def test_a_request_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    async with running_on_sqlite(tmp_path, request_timeout=0.2) as client:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        writer.write(
            f"POST /api/v1/posts HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {a_token('posts:write')}\r\n"
            "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{".encode()
        )
        answer = await asyncio.wait_for(reader.read(65536), 5)
        writer.close()
        # The body's own time and the request's are over at once; either may be told.
        assert answer.startswith((b"HTTP/1.1 408", b"HTTP/1.1 504"))
        assert (await client.get("/health/live")).status == 200


@pytest.mark.parametrize("storage", SUBJECTS)
async def test_a_storage_without_its_schema_is_no_fault_of_a_request(
    storage: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    subject = SUBJECTS[storage]
    server = subject.kind and request.getfixturevalue(f"{subject.kind.name}_server")
    with subject.empty_database(server.dsn if server else str(tmp_path)) as dsn:
        async with running(Container(settings=subject.settings(tmp_path, dsn))) as client:
            client.token = a_token("posts:write")
            assert (await client.get("/health/ready")).status == 503
            assert (await client.post("/api/v1/posts", {"title": "T", "content": ""})).status == 503

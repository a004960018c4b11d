"""Spans of whole requests: whose they are, what they tell, and what they keep to themselves."""

import asyncio
import secrets
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest

from app.adapters.config.settings import Environment, Settings
from app.adapters.http.settings import ClientSettings
from app.adapters.sqlite.migrations import SqliteMigrations
from app.container import Container
from tests.e2e.service import Client, a_token, running, settings_in
from tests.recorded_spans import CALLER_ID, TRACE_ID, TRACEPARENT, RecordedSpans, id_of, parent_of, told_of, trace_of
from tests.upstream.faulty import FaultyUpstream, faulty_upstream, json

pytestmark = pytest.mark.usefixtures("only_this_machine")

POSTS = "/api/v1/posts"
FEATURED = "/api/v1/store-pages/featured-posts/android"


def settings_with(folder: Path, **changes: Any) -> Settings:
    settings = attrs.evolve(settings_in(folder), env=Environment.TEST, **changes)
    SqliteMigrations(settings.sqlite).apply()
    return settings


def traced(folder: Path, spans: RecordedSpans, **changes: Any) -> AbstractAsyncContextManager[Client]:
    return running(Container(settings=settings_with(folder, **changes), tracing=spans))


@asynccontextmanager
async def with_upstream(
    folder: Path, spans: RecordedSpans, behind: str = ""
) -> AsyncIterator[tuple[Client, FaultyUpstream]]:
    """A service and what it calls; `behind` stands behind the address of that."""
    async with faulty_upstream(json({"posts": []})) as upstream:
        pages = ClientSettings(url=upstream.url + behind, retry_wait=0.001, attempts=2)
        async with traced(folder, spans, app_pages=pages) as client:
            yield client, upstream


async def a_post(client: Client) -> int:
    client.token = a_token("posts:write")
    return int((await client.post(POSTS, {"title": "a", "content": "b"})).json["result"]["id"])


async def test_one_trace_goes_from_the_caller_through_storage_and_upstream(tmp_path: Path) -> None:
    spans = RecordedSpans()
    async with with_upstream(tmp_path, spans) as (client, upstream):
        answer = await client.get(FEATURED, headers={"traceparent": TRACEPARENT, "tracestate": "vendor=1"})
    assert answer.status == 200
    server = spans.named(f"GET {FEATURED.replace('android', '{store}')}")
    call, read = spans.named("GET"), spans.named("SELECT posts")
    assert {trace_of(span) for span in spans.ended} == {TRACE_ID}
    assert parent_of(server) == CALLER_ID
    assert parent_of(call) == parent_of(read) == id_of(server)
    sent = upstream.requests[0].headers
    assert sent["traceparent"] == f"00-{TRACE_ID}-{id_of(call)}-01"
    assert sent["tracestate"] == "vendor=1"


async def test_a_request_is_told_as_the_conventions_have_it(tmp_path: Path) -> None:
    spans = RecordedSpans()
    async with traced(tmp_path, spans) as client:
        post_id = await a_post(client)
        await client.get(f"{POSTS}/{post_id}?token=secret")
    span = spans.named("GET /api/v1/posts/{post_id}")
    assert span.kind.name == "SERVER"
    assert told_of(span) == {
        "http.request.method": "GET",
        "http.route": "/api/v1/posts/{post_id}",
        "http.response.status_code": 422,
        "url.path": f"{POSTS}/{post_id}",
        "url.scheme": "http",
        "client.address": "127.0.0.1",
    }
    assert (span.status.status_code.name, parent_of(span)) == ("UNSET", None)


@pytest.mark.parametrize(
    ("method", "path", "name", "told"),
    [
        ("GET", "/nowhere/1", "GET", "GET"),
        ("HEAD", POSTS, f"HEAD {POSTS}", "HEAD"),
        ("PATCH", POSTS, "PATCH", "PATCH"),
        ("PROPFIND", "/nowhere", "HTTP", "_OTHER"),
    ],
)
async def test_names_of_spans_are_few(tmp_path: Path, method: str, path: str, name: str, told: str) -> None:
    spans = RecordedSpans()
    async with traced(tmp_path, spans) as client:
        await client.send(method, path)
    assert (spans.names[-1], told_of(spans.ended[-1])["http.request.method"]) == (name, told)


async def test_a_path_that_is_no_text_is_told_as_it_was_sent(tmp_path: Path) -> None:
    spans = RecordedSpans()
    async with traced(tmp_path, spans) as client:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        writer.write(b"GET /caf%C3%A9%ff?b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        await reader.read()
        writer.close()
    assert told_of(spans.ended[-1])["url.path"] == "/caf%C3%A9%ff"


@pytest.mark.parametrize(
    "offered",
    [
        "",
        "nonsense",
        TRACEPARENT.upper(),
        TRACEPARENT.replace(TRACE_ID, "0" * 32),
        TRACEPARENT.replace(CALLER_ID, "0" * 16),
        "ff" + TRACEPARENT[2:],
        TRACEPARENT + "-more",
        TRACEPARENT[:-3],
    ],
)
async def test_a_malformed_trace_of_a_caller_is_ignored(tmp_path: Path, offered: str) -> None:
    spans = RecordedSpans()
    async with traced(tmp_path, spans) as client:
        answer = await client.get(POSTS, headers={"traceparent": offered})
    assert answer.status == 200
    assert parent_of(spans.named(f"GET {POSTS}")) is None
    assert trace_of(spans.named(f"GET {POSTS}")) != TRACE_ID


async def test_requests_on_one_connection_are_traces_of_their_own(tmp_path: Path) -> None:
    spans = RecordedSpans()
    async with traced(tmp_path, spans) as client:
        await client.get(POSTS)
        await client.get(POSTS)
    servers = [span for span in spans.ended if span.name == f"GET {POSTS}"]
    assert len({trace_of(span) for span in servers}) == 2


async def test_health_metrics_and_documentation_have_no_spans(tmp_path: Path) -> None:
    spans = RecordedSpans()
    async with traced(tmp_path, spans) as client:
        for path in ("/health/ready", "/health/live", "/health_check", "/metrics", "/swagger.json", "/docs"):
            await client.get(path)
    assert spans.ended == []


async def test_a_failure_is_told_by_its_type_alone(tmp_path: Path) -> None:
    spans = RecordedSpans()
    async with traced(tmp_path, spans) as client:
        await client.get(POSTS)

        with sqlite3.connect(tmp_path / "app.db") as database:
            database.execute("ALTER TABLE posts RENAME COLUMN content TO other")
        client.token = a_token("posts:write")
        assert (await client.post(POSTS, {"title": "canary", "content": "canary"})).status == 500
    server, write = spans.named(f"POST {POSTS}"), spans.named("INSERT posts")
    for span in (server, write):
        assert (told_of(span)["error.type"], span.status.status_code.name) == ("OperationalError", "ERROR")
        assert (span.status.description, list(span.events)) == (None, [])


async def test_a_caller_who_is_wrong_is_no_failure_of_the_service(tmp_path: Path) -> None:
    spans = RecordedSpans()
    async with traced(tmp_path, spans) as client:
        assert (await client.get(f"{POSTS}/7")).status == 404
    assert "error.type" not in told_of(spans.named("GET /api/v1/posts/{post_id}"))


async def test_an_upstream_that_fails_is_told_at_each_attempt(tmp_path: Path) -> None:
    spans = RecordedSpans()
    async with with_upstream(tmp_path, spans) as (client, upstream):
        upstream.answer = json({}, 503)
        await client.get(FEATURED)
    calls = [told_of(span) for span in spans.ended if span.name == "GET"]
    assert [(told["http.response.status_code"], told["error.type"]) for told in calls] == [(503, "503")] * 2


async def test_no_value_of_a_query_reaches_a_span(tmp_path: Path) -> None:
    spans, canary = RecordedSpans(), f"canary{secrets.token_hex(8)}"
    async with with_upstream(tmp_path, spans, f"?key={canary}") as (client, _):
        for path in (f"{POSTS}?title={canary}", f"/nowhere?{canary}", f"{FEATURED}?a={canary}", FEATURED):
            await client.get(path, headers={"User-Agent": canary, "Referer": canary})
        client.token = a_token("posts:write", subject=canary)
        await client.post(POSTS, {"title": canary, "content": canary}, headers={"Idempotency-Key": canary})
        await client.post(POSTS, {"title": canary, "content": canary})
    assert {"SELECT posts", "INSERT posts", "TRANSACTION", "GET", f"POST {POSTS}"} <= set(spans.names)
    assert canary not in "".join(span.to_json() for span in spans.ended)


async def test_a_transaction_is_one_span_around_its_statements(tmp_path: Path) -> None:
    spans = RecordedSpans()
    async with traced(tmp_path, spans) as client:
        await a_post(client)
    server, transaction = spans.named(f"POST {POSTS}"), spans.named("TRANSACTION")
    inside = [span.name for span in spans.ended if parent_of(span) == id_of(transaction)]
    assert parent_of(transaction) == id_of(server)
    assert inside[0] == "INSERT posts"


async def test_a_trace_that_its_caller_does_not_record_is_passed_on_and_not_recorded(tmp_path: Path) -> None:
    spans = RecordedSpans(sample_ratio=1.0)
    async with with_upstream(tmp_path, spans) as (client, upstream):
        await client.get(FEATURED, headers={"traceparent": TRACEPARENT[:-2] + "00"})
    assert spans.ended == []
    assert upstream.requests[0].headers["traceparent"].split("-")[1::2] == [TRACE_ID, "00"]


async def test_a_ratio_of_nothing_records_no_trace_that_begins_here(tmp_path: Path) -> None:
    spans = RecordedSpans(sample_ratio=0.0)
    async with traced(tmp_path, spans) as client:
        await client.get(POSTS)
        assert spans.ended == []
        await client.get(POSTS, headers={"traceparent": TRACEPARENT})
    assert {trace_of(span) for span in spans.ended} == {TRACE_ID}

"""Parts of tracing by themselves: what is told of statements, addresses and lines of logs, and where spans go."""

import io
import json
import logging
from collections.abc import Sequence

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import INVALID_SPAN, get_current_span
from yarl import URL

from app.adapters.consul.client import ConsulClient
from app.adapters.consul.settings import ConsulSettings
from app.adapters.events.settings import WebhookSettings
from app.adapters.events.webhook import WebhookPublisher
from app.adapters.postgres import posts as postgres_posts
from app.adapters.tracing.calls import traced_calls, without_secrets
from app.adapters.tracing.provider import OtelTracing, ServiceInfo, ToldOnce
from app.adapters.tracing.settings import TracingSettings
from app.adapters.tracing.statements import operation_of, table_of
from app.context import RequestContext, current_request
from app.domain.model.events import post_published
from app.entrypoints.http.traced_access_log import TracedAccessLog
from app.entrypoints.logs import fields_of
from app.entrypoints.tracing import publishing
from app.tracing import Kind, current_span
from tests.builders import SOME_MOMENT, a_post
from tests.recorded_spans import TRACE_ID, TRACEPARENT, RecordedSpans, id_of, parent_of, told_of, trace_of
from tests.upstream.faulty import faulty_upstream
from tests.upstream.faulty import json as json_answer

SERVICE = ServiceInfo("the service", "1.2", "test")


@pytest.mark.parametrize(
    ("sql", "operation", "table"),
    [
        (postgres_posts._FIND, "SELECT", "posts"),
        (postgres_posts._ADD, "INSERT", "posts"),
        (postgres_posts._SAVE, "UPDATE", "posts"),
        (postgres_posts._REMOVE, "DELETE", "posts"),
        ("select 1", "SELECT", None),
        ("SELECT created_at FROM posts WHERE id = %s FOR UPDATE", "SELECT", "posts"),
        ("SELECT * FROM unnest($1) k, LATERAL (SELECT id FROM posts) p", "SELECT", "posts"),
        ("", "SQL", None),
    ],
)
def test_of_a_statement_the_operation_and_the_table_are_told(sql: str, operation: str, table: str | None) -> None:
    assert (operation_of(sql), table_of(sql)) == (operation, table)


def test_an_address_is_told_without_user_and_query() -> None:
    assert str(without_secrets(URL("https://me:secret@host:8443/a%20b?token=c#d"))) == "https://host:8443/a%20b"


async def test_a_call_that_breaks_is_told_by_its_type() -> None:
    spans = RecordedSpans()
    await spans.open()
    async with aiohttp.ClientSession(middlewares=(traced_calls(spans),)) as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get("http://127.0.0.1:1/a?secret=b")
    (call,) = spans.ended
    told = told_of(call)
    assert (told["error.type"], told["url.full"]) == ("ClientConnectorError", "http://127.0.0.1:1/a")
    assert list(call.events) == []


async def test_consul_is_asked_within_a_span_that_it_learns_of() -> None:
    spans, heard = RecordedSpans(), []

    async def answer(request: web.Request) -> web.Response:
        heard.append(request.headers["traceparent"])
        return web.json_response([], headers={"X-Consul-Index": "1"})

    app = web.Application()
    app.router.add_get("/v1/kv/{key:.*}", answer)
    await spans.open()
    async with TestServer(app) as server:
        client = ConsulClient(ConsulSettings(address=str(server.make_url(""))))
        client.pass_through(traced_calls(spans))
        await client.open()
        await client.values()
        await client.close()
    (call,) = spans.ended
    told = told_of(call)
    assert (call.name, call.kind.name, told["http.response.status_code"]) == ("GET", "CLIENT", 200)
    assert told["url.full"].endswith("/v1/kv/app/")
    assert call.context is not None
    assert heard[0].startswith(f"00-{call.context.trace_id:032x}-{call.context.span_id:016x}-")


async def test_an_event_that_is_passed_on_begins_a_trace_which_its_receiver_learns_of() -> None:
    spans = RecordedSpans()
    await spans.open()
    async with faulty_upstream(json_answer({})) as receiver:
        webhook = WebhookPublisher(WebhookSettings(url=f"{receiver.url}/events?key=secret"), 5)
        publisher = publishing(webhook, "webhook", spans)
        await publisher.open()
        await publisher.publish(post_published(a_post(7, title="secret"), SOME_MOMENT))
        await publisher.close()
    call, event = spans.ended
    assert (call.name, event.name, event.kind.name) == ("POST", "publish post.published", "PRODUCER")
    assert (parent_of(call), parent_of(event)) == (id_of(event), None)
    assert receiver.requests[0].headers["traceparent"].split("-")[1:3] == [trace_of(event), id_of(call)]
    assert "secret" not in call.to_json() + event.to_json()


def test_an_access_line_names_its_span() -> None:
    spans, stream = RecordedSpans(), io.StringIO()
    log = TracedAccessLog(as_json=True, stream=stream)
    with spans.span(Kind.SERVER, "test", {}, {"traceparent": TRACEPARENT}) as span:
        log.record("GET", '/a"\n', 200, 0.1, "id", 1, None)
    log.record("GET", "/b", 200, 0.1, "id", 1, None)
    log.flush()
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert (first["path"], first["trace_id"], first["span_id"]) == ('/a"\n', TRACE_ID, span.span_id)
    assert (second["path"], second["trace_id"]) == ("/b", "")


def test_an_access_line_for_people_ends_with_its_trace() -> None:
    spans, stream = RecordedSpans(), io.StringIO()
    log = TracedAccessLog(as_json=False, stream=stream)
    with spans.span(Kind.SERVER, "test", {}, {"traceparent": TRACEPARENT}):
        log.record("GET", "/a", 200, 0.1, "id", 1, None)
    log.flush()
    assert stream.getvalue().endswith(f" id {TRACE_ID}\n")


def a_record() -> logging.LogRecord:
    return logging.makeLogRecord({"msg": "text"})


def test_a_log_line_names_the_innermost_span() -> None:
    spans = RecordedSpans()
    with spans.span(Kind.SERVER, "outer", {}, {}) as outer, spans.span(Kind.CLIENT, "inner", {}) as inner:
        fields = fields_of(a_record())
    assert (fields["trace_id"], fields["span_id"]) == (outer.trace_id, inner.span_id)


@pytest.mark.parametrize(("offered", "logged"), [(TRACEPARENT, TRACE_ID), ("nonsense", None), (None, None)])
def test_with_tracing_off_a_log_line_names_the_trace_of_the_caller(offered: str | None, logged: str | None) -> None:
    token = current_request.set(RequestContext("id", 0.0, traceparent=offered))
    try:
        fields = fields_of(a_record())
    finally:
        current_request.reset(token)
    assert (fields.get("trace_id"), "span_id" in fields) == (logged, False)


def test_a_span_is_current_for_as_long_as_it_lasts() -> None:
    spans = RecordedSpans()
    with pytest.raises(ValueError, match="secret"), spans.span(Kind.SERVER, "test", {}) as span:
        assert current_span.get() is span
        assert get_current_span().get_span_context().is_valid
        raise ValueError("secret")
    assert current_span.get() is None
    assert get_current_span() is INVALID_SPAN


async def test_a_failure_is_told_once_and_without_its_message() -> None:
    spans = RecordedSpans()
    await spans.open()
    with pytest.raises(ValueError, match="secret"), spans.span(Kind.SERVER, "test", {}) as span:
        span.fail("first")
        raise ValueError("secret")
    (ended,) = spans.ended
    assert told_of(ended) == {"error.type": "first"}
    assert "secret" not in ended.to_json()


def about(settings: TracingSettings) -> dict[str, object]:
    """What the spans of these settings say of their process."""
    return dict(OtelTracing(settings, SERVICE)._provider.resource.attributes)


def test_a_process_tells_what_it_is() -> None:
    told = about(TracingSettings())
    assert (told["service.name"], told["service.version"]) == ("the service", "1.2")
    assert told["deployment.environment.name"] == "test"
    assert told["service.instance.id"]


def test_opentelemetrys_own_variables_hold_where_ours_are_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "theirs")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=one,team=two")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    assert about(TracingSettings())["service.name"] == "theirs"
    assert about(TracingSettings())["service.instance.id"] == "one"
    assert about(TracingSettings())["team"] == "two"
    assert about(TracingSettings(service_name="ours"))["service.name"] == "ours"
    assert "AlwaysOff" in OtelTracing(TracingSettings(), SERVICE)._provider.sampler.get_description()
    ours = OtelTracing(TracingSettings(sample_ratio=0.5), SERVICE)._provider.sampler.get_description()
    assert "TraceIdRatioBased{0.5}" in ours


class Failing(SpanExporter):
    """Fails as it is told to."""

    def __init__(self) -> None:
        self.result = SpanExportResult.FAILURE

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self.result

    def shutdown(self) -> None:
        """Nothing to do."""


def test_an_outage_of_the_collector_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    failing = Failing()
    exporter = ToldOnce(failing)
    caplog.set_level(logging.INFO)
    for _ in range(3):
        exporter.export([])
    failing.result = SpanExportResult.SUCCESS
    for _ in range(3):
        exporter.export([])
    assert [record.message.partition(";")[0] for record in caplog.records] == [
        "The collector takes no spans",
        "The collector takes spans again.",
    ]


async def test_closing_what_was_never_opened_does_nothing() -> None:
    tracing = OtelTracing(TracingSettings(), SERVICE)
    await tracing.close()
    await tracing.close()

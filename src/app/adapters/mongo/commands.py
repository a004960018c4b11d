"""Spans of the commands that the driver sends (https://opentelemetry.io/docs/specs/semconv/database/mongodb/)."""

from collections.abc import Mapping
from typing import Any

from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from app.adapters.mongo.client import Document
from app.adapters.mongo.documents import PooledDocuments
from app.adapters.mongo.pool import MongoPool
from app.adapters.named_pools import NamedPools
from app.tracing import Attributes, Kind, Span, Spans, current_span


class CommandSpans(CommandListener):
    """Hears of each command, in the thread that sends it and the context of whoever wants it sent.

    Of a command only its name and its collection are recorded. Outside of any trace there are no spans.
    """

    def __init__(self, spans: Spans) -> None:
        self._spans = spans
        self._running: dict[int, Span] = {}

    def started(self, event: CommandStartedEvent) -> None:
        if current_span.get() is None:
            return
        name, attributes = _told(event.command_name, event.command, event.database_name)
        self._running[event.request_id] = self._spans.begin(Kind.CLIENT, name, attributes)

    def succeeded(self, event: CommandSucceededEvent) -> None:
        span = self._running.pop(event.request_id, None)
        if span is not None:
            for error in event.reply.get("writeErrors", ())[:1]:
                span.fail(str(error.get("code")))
            span.end()

    def failed(self, event: CommandFailedEvent) -> None:
        span = self._running.pop(event.request_id, None)
        if span is not None:
            span.fail(_type_of(event.failure))
            span.end()


class TracedDocuments(PooledDocuments):
    """Gives a read that may be gathered with others a span of its own, from when it asks to when it gets its post."""

    def __init__(self, pools: NamedPools[MongoPool], spans: Spans) -> None:
        super().__init__(pools)
        self._spans = spans

    async def post(self, post_id: int) -> Document | None:
        if current_span.get() is None:
            return await super().post(post_id)
        name, attributes = _told("find", {"find": "posts"}, None)
        with self._spans.span(Kind.CLIENT, name, attributes):
            # Where it is sent by itself, the command is this very span.
            token = current_span.set(None)
            try:
                return await super().post(post_id)
            finally:
                current_span.reset(token)


def _told(command: str, document: Mapping[str, Any], database: str | None) -> tuple[str, Attributes]:
    attributes = {"db.system.name": "mongodb", "db.operation.name": command}
    collection = document.get("collection") if command == "getMore" else document.get(command)
    if isinstance(collection, str):
        attributes["db.collection.name"] = collection
    if database is not None:
        attributes["db.namespace"] = database
    return (f"{command} {collection}" if isinstance(collection, str) else command), attributes


def _type_of(failure: Mapping[str, Any]) -> str:
    """The name of a failure, or its number; its message quotes what was to be written."""
    return str(failure.get("codeName") or failure.get("code") or failure.get("errtype") or "CommandFailed")

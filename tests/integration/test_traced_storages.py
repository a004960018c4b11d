"""Spans of each storage: one for what is done, below the one that wants it, with no value of any row."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import attrs
import pytest
from opentelemetry.sdk.trace import ReadableSpan

from app.container import Container
from app.domain.errors import Conflict
from app.domain.model.posts import PostQuery
from app.ports.posts import PostRepository
from app.tracing import Kind
from tests.builders import a_new_post
from tests.e2e.service import running
from tests.recorded_spans import RecordedSpans, id_of, parent_of, told_of
from tests.subjects import SUBJECTS, Subject, database_for

SYSTEMS = {"sqlite": "sqlite", "postgres": "postgresql", "mysql": "mysql", "mongo": "mongodb"}
CANARY = "canary7f3a"


@attrs.frozen
class Traced:
    """A storage behind the container of a service whose spans are kept."""

    system: str
    container: Container
    spans: RecordedSpans

    @property
    def posts(self) -> PostRepository:
        return self.container.posts()

    def of_storage(self) -> list[ReadableSpan]:
        return [span for span in self.spans.ended if span.name != "test"]


@pytest.fixture(params=SUBJECTS)
async def traced(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Traced]:
    subject: Subject = SUBJECTS[request.param]
    with database_for(subject, request, tmp_path) as dsn:
        spans = RecordedSpans()
        container = Container(settings=subject.settings(tmp_path, dsn), tracing=spans)
        async with running(container):
            yield Traced(SYSTEMS[subject.name], container, spans)


async def test_a_read_has_a_span_below_the_one_that_wants_it(traced: Traced) -> None:
    with traced.spans.span(Kind.SERVER, "test", {}):
        await traced.posts.page(PostQuery())
    (read,) = traced.of_storage()
    operation = "aggregate" if traced.system == "mongodb" else "SELECT"
    assert (read.name, read.kind.name) == (f"{operation} posts", "CLIENT")
    assert parent_of(read) == id_of(traced.spans.named("test"))
    told = told_of(read)
    assert told.pop("db.namespace", None) is None or traced.system == "mongodb"
    assert told == {
        "db.system.name": traced.system,
        "db.operation.name": operation,
        "db.collection.name": "posts",
    }


async def test_reads_that_are_gathered_have_a_span_each(traced: Traced) -> None:
    with traced.spans.span(Kind.SERVER, "test", {}):
        await asyncio.gather(*(traced.posts.find_with_features(number) for number in range(20)))
    reads = traced.of_storage()
    operation = "find" if traced.system == "mongodb" else "SELECT"
    assert [span.name for span in reads] == [f"{operation} posts"] * 20
    assert {parent_of(span) for span in reads} == {id_of(traced.spans.named("test"))}


async def test_a_write_that_fails_is_told_by_its_type_without_a_value(traced: Traced) -> None:
    new = a_new_post(title=CANARY, content=CANARY)
    with traced.spans.span(Kind.SERVER, "test", {}):
        await traced.posts.add(new, traced.container.now()())
        with pytest.raises(Conflict):
            await traced.posts.add(new, traced.container.now()())
    failed = [span for span in traced.of_storage() if "error.type" in told_of(span)]
    operation = "insert" if traced.system == "mongodb" else "INSERT"
    assert [span.name for span in failed] == [f"{operation} posts"]
    assert told_of(failed[0])["error.type"] == ("11000" if traced.system == "mongodb" else "TitleTaken")
    assert CANARY not in "".join(span.to_json() for span in traced.spans.ended)


async def test_a_unit_of_work_has_spans_in_one_trace(traced: Traced) -> None:
    with traced.spans.span(Kind.SERVER, "test", {}):
        async with traced.container.transactions().begin() as work:
            post = await work.posts.add(a_new_post(), traced.container.now()())
            await work.posts.find(post.id)
    names = [span.name for span in traced.of_storage()]
    expected = {"insert posts", "find posts", "commitTransaction"} if traced.system == "mongodb" else {"TRANSACTION"}
    assert expected <= set(names)
    root = traced.spans.named("test")
    assert {span.context.trace_id for span in traced.spans.ended if span.context} == {
        root.context.trace_id if root.context else 0
    }


async def test_what_belongs_to_no_trace_begins_none(traced: Traced) -> None:
    await traced.posts.page(PostQuery())
    await traced.posts.find_with_features(1)
    async with traced.container.transactions().begin() as work:
        await work.posts.add(a_new_post(), traced.container.now()())
    assert traced.spans.ended == []

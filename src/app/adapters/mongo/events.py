"""Events in MongoDB."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bson.datetime_ms import DatetimeMS
from bson.int64 import Int64

from app.adapters.events_json import due_event, payload_text
from app.adapters.mongo.client import Document
from app.adapters.mongo.documents import Documents
from app.domain.model.events import DueEvent, Event, Failure, Lease, OutboxState
from app.domain.model.posts import from_milliseconds, milliseconds

_AT_ONCE = DatetimeMS(0)
_ALIVE = {"is_dead": False}


class MongoEventLog:
    """The port `EventLog` on MongoDB."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def add(self, event: Event) -> None:
        # Whoever changes the same post comes after this commit, and gets a later position.
        (position,) = await self._documents.next_ids("events", 1)
        document = {
            "_id": event.id,
            "position": Int64(position),
            "shard": event.shard,
            "post_id": Int64(event.post_id),
            "type": event.type.value,
            "occurred_at": _moment(event.occurred_at),
            "payload": payload_text(event),
            "failures": 0,
            "due_at": _AT_ONCE,
            "is_dead": False,
        }
        await self._documents.write(lambda db, session: db.outbox.insert_one(document, session=session))


class MongoOutbox:
    """The port `Outbox` on MongoDB."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def due_shards(self, now: datetime) -> list[int]:
        due = {**_ALIVE, "due_at": {"$lte": _moment(now)}}

        async def operation(db: Any, session: Any) -> list[int]:
            shards = await db.outbox.distinct("shard", due, session=session)
            if not shards:
                return []
            free = {"_id": {"$in": shards}, "expires_at": {"$lte": _moment(now)}}
            found = await db.outbox_shards.find(free, {"_id": 1}, session=session).to_list(None)
            return sorted(int(each["_id"]) for each in found)

        return await self._documents.read(operation)

    async def lease(self, lease: Lease, now: datetime) -> bool:
        free = {"_id": lease.shard, "expires_at": {"$lte": _moment(now)}}
        change = {"$set": {"token": lease.token, "expires_at": _moment(lease.until)}}
        result = await self._documents.write(
            lambda db, session: db.outbox_shards.update_one(free, change, session=session)
        )
        return bool(result.matched_count)

    async def release(self, lease: Lease) -> None:
        mine = {"_id": lease.shard, "token": lease.token}
        change = {"$set": {"expires_at": _AT_ONCE}}
        await self._documents.write(lambda db, session: db.outbox_shards.update_one(mine, change, session=session))

    async def due(self, shard: int, now: datetime, limit: int) -> Sequence[DueEvent]:
        alive = {**_ALIVE, "shard": shard}

        async def operation(db: Any, session: Any) -> list[Document]:
            later = {**alive, "due_at": {"$gt": _moment(now)}}
            waiting = await db.outbox.distinct("post_id", later, session=session)
            due = {**alive, "post_id": {"$nin": waiting}}
            cursor = db.outbox.find(due, sort=[("position", 1)], limit=limit, session=session)
            found: list[Document] = await cursor.to_list(None)
            return found

        return [_due_event(each) for each in await self._documents.read(operation)]

    async def delivered(self, event_id: str) -> None:
        await self._documents.write(lambda db, session: db.outbox.delete_one({"_id": event_id}, session=session))

    async def failed(self, event_id: str, failure: Failure) -> None:
        due_at = _moment(failure.due_at) if failure.due_at is not None else _AT_ONCE
        changed = {"failures": failure.failures, "reason": failure.reason, "due_at": due_at}
        change = {"$set": {**changed, "is_dead": failure.due_at is None}}
        await self._documents.write(
            lambda db, session: db.outbox.update_one({"_id": event_id}, change, session=session)
        )

    async def state(self) -> OutboxState:
        async def operation(db: Any, session: Any) -> tuple[int, Document | None, int]:
            pending = await db.outbox.count_documents(_ALIVE, session=session)
            oldest = await db.outbox.find_one(_ALIVE, {"occurred_at": 1}, sort=[("position", 1)], session=session)
            return pending, oldest, await db.outbox.count_documents({"is_dead": True}, session=session)

        pending, oldest, dead = await self._documents.read(operation)
        return OutboxState(pending, from_milliseconds(int(oldest["occurred_at"])) if oldest else None, dead)

    async def revive(self) -> int:
        change = {"$set": {"failures": 0, "due_at": _AT_ONCE, "is_dead": False}}
        result = await self._documents.write(
            lambda db, session: db.outbox.update_many({"is_dead": True}, change, session=session)
        )
        return int(result.modified_count)


def _moment(moment: datetime) -> DatetimeMS:
    return DatetimeMS(milliseconds(moment))


def _due_event(found: Document) -> DueEvent:
    post_id, failures = int(found["post_id"]), int(found["failures"])  # no Int64, which nothing else encodes
    row = (found["_id"], found["type"], post_id, found["occurred_at"], found["payload"], failures)
    return due_event(row, from_milliseconds(int(found["occurred_at"])))

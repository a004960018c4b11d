"""Keys of requests in MongoDB."""

from datetime import datetime
from typing import Any

from bson.datetime_ms import DatetimeMS
from pymongo.errors import DuplicateKeyError

from app.adapters.mongo.client import Document
from app.adapters.mongo.documents import Documents
from app.domain.model.idempotency import Attempt, Claimed, KeptAnswer, answer_for, key_in_use
from app.domain.model.posts import from_milliseconds, milliseconds


class MongoIdempotencyRepository:
    """The port `IdempotencyRepository` on MongoDB."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def claim(self, attempt: Attempt, now: datetime, until: datetime) -> KeptAnswer | None:
        claimed = {"fingerprint": attempt.fingerprint, "token": attempt.token, "expires_at": _moment(until)}
        over = {"_id": attempt.id, "expires_at": {"$lte": _moment(now)}}

        async def operation(db: Any, session: Any) -> Document | None:
            try:
                change = {"$set": {**claimed, "answer": None}}
                await db.idempotency_keys.update_one(over, change, upsert=True, session=session)
            except DuplicateKeyError:
                # It is there, and its time is not over.
                found: Document | None = await db.idempotency_keys.find_one({"_id": attempt.id}, session=session)
                if found is None:
                    raise key_in_use() from None
                return found
            return None

        found = await self._documents.write(operation)
        return answer_for(attempt, _claimed(found)) if found is not None else None

    async def keep(self, attempt: Attempt, answer: KeptAnswer, until: datetime) -> None:
        kept = {
            "status": answer.status,
            "content_type": answer.content_type,
            "headers": answer.headers,
            "body": answer.body,
        }
        change = {"$set": {"answer": kept, "expires_at": _moment(until)}}
        mine = {"_id": attempt.id, "token": attempt.token}
        result = await self._documents.write(
            lambda db, session: db.idempotency_keys.update_one(mine, change, session=session)
        )
        if not result.matched_count:
            raise key_in_use()

    async def release(self, attempt: Attempt) -> None:
        mine = {"_id": attempt.id, "token": attempt.token, "answer": None}
        await self._documents.write(lambda db, session: db.idempotency_keys.delete_one(mine, session=session))

    async def purge(self, now: datetime, limit: int) -> int:
        over = {"expires_at": {"$lte": _moment(now)}}

        async def operation(db: Any, session: Any) -> int:
            found = await db.idempotency_keys.find(over, {"_id": 1}, limit=limit, session=session).to_list(None)
            ids = [each["_id"] for each in found]
            result = await db.idempotency_keys.delete_many({"_id": {"$in": ids}, **over}, session=session)
            return int(result.deleted_count)

        return await self._documents.write(operation)


def _moment(moment: datetime) -> DatetimeMS:
    return DatetimeMS(milliseconds(moment))


def _claimed(found: Document) -> Claimed:
    answer = KeptAnswer(**found["answer"]) if found["answer"] is not None else None
    return Claimed(found["fingerprint"], found["token"], from_milliseconds(int(found["expires_at"])), answer)

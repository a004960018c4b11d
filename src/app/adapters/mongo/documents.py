"""Where the repositories' operations run: each on its own in a pool, or all in one transaction."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from bson.int64 import Int64
from pymongo import ReturnDocument

from app.adapters.gathering import Gathered
from app.adapters.mongo.client import Database, Document, Operation, Session
from app.adapters.mongo.pool import MongoPool
from app.adapters.mongo.transaction import MongoTransaction
from app.adapters.named_pools import NamedPools
from app.adapters.storage_errors import unusable
from app.context import note_write

T = TypeVar("T")

GATHERED = 200
"""Posts in one query."""


class Documents(Protocol):
    """How a repository reaches its documents."""

    async def read(self, operation: "Operation[T]") -> T:
        """Read what is current."""
        ...

    async def post(self, post_id: int) -> Document | None:
        """The current document of a post; not to be changed, since others may have it as well."""
        ...

    async def read_stale(self, operation: "Operation[T]") -> T:
        """Read one moment of a little while ago, if that is cheaper."""
        ...

    async def write(self, operation: "Operation[T]") -> T:
        """Change something."""
        ...

    async def next_ids(self, kind: str, count: int) -> range:
        """New ids, rising, never given before and never again, also if the caller's transaction is rolled back."""
        ...


class PooledDocuments:
    """Each operation on its own."""

    def __init__(self, pools: NamedPools[MongoPool]) -> None:
        self._pools = pools
        self._gathered: Gathered[int, Document | None] = Gathered(self._post, self._posts, None, GATHERED)

    async def read(self, operation: "Operation[T]") -> T:
        return await self._pools.primary.run(operation)

    async def post(self, post_id: int) -> Document | None:
        return await self._gathered.read(post_id)

    async def _post(self, post_id: int) -> Document | None:
        return await self.read(_one_post(post_id))

    async def _posts(self, post_ids: Sequence[int]) -> dict[int, Document | None]:
        async def operation(database: Database, session: Session) -> list[Document]:
            found: list[Document] = await database.posts.find({"_id": {"$in": post_ids}}, session=session).to_list(None)
            return found

        return {int(each["_id"]): each for each in await self.read(operation)}

    async def read_stale(self, operation: "Operation[T]") -> T:
        return await self._pools.read_stale(lambda pool: pool.run(operation, snapshot=True))

    async def write(self, operation: "Operation[T]") -> T:
        note_write()
        return await self._pools.primary.run(operation)

    async def next_ids(self, kind: str, count: int) -> range:
        return await self._pools.primary.run(_counted(kind, count))


class DocumentsInTransaction:
    """Every operation in the same transaction."""

    def __init__(self, transaction: MongoTransaction) -> None:
        self._transaction = transaction

    async def read(self, operation: "Operation[T]") -> T:
        return await self._transaction.run(operation)

    async def post(self, post_id: int) -> Document | None:
        return await self.read(_one_post(post_id))

    async def read_stale(self, operation: "Operation[T]") -> T:
        return await self._transaction.run(operation)

    async def write(self, operation: "Operation[T]") -> T:
        note_write()
        return await self._transaction.run(operation)

    async def next_ids(self, kind: str, count: int) -> range:
        # In the transaction, every unit of work would wait for the counter until the one before it has ended.
        return await self._transaction.outside(_counted(kind, count))


def _one_post(post_id: int) -> "Operation[Document | None]":
    return lambda database, session: database.posts.find_one({"_id": post_id}, session=session)


def _counted(kind: str, count: int) -> "Operation[range]":
    async def operation(database: Database, session: Session) -> range:
        # The migrations made the counter: of racing upserts here, two could give the same ids.
        counter: Document | None = await database.counters.find_one_and_update(
            {"_id": kind}, {"$inc": {"last": Int64(count)}}, return_document=ReturnDocument.AFTER
        )
        if counter is None:
            raise unusable() from LookupError(f"There is no counter {kind}: run the migrations.")
        last = int(counter["last"])
        return range(last - count + 1, last + 1)

    return operation

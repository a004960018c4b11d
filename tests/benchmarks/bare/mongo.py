"""Bare aiohttp and motor."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from bson.int64 import Int64
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import ReturnDocument

from tests.benchmarks.bare.serving import Document, added, decode, encode, serve


class Mongo:
    def __init__(self, client: Any) -> None:
        self._client, self._db = client, client.get_default_database()

    async def one(self, post_id: int) -> Document | None:
        found = await self._db.posts.find_one({"_id": post_id})
        return _post(found) if found else None

    async def page(self, limit: int, offset: int) -> tuple[list[Document], int]:
        total = {"coll": "posts", "pipeline": [{"$match": {}}, {"$count": "total"}]}
        found = await self._db.posts.aggregate(
            [
                {"$match": {}}, {"$sort": {"created_at": -1, "_id": -1}}, {"$skip": offset}, {"$limit": limit},
                {"$project": {"features": 0}}, {"$unionWith": total},
            ]
        ).to_list(None)  # fmt: skip
        count = found.pop()["total"]
        return [_post(each) for each in found], count

    async def add(self, new: Document, now: datetime) -> Document:
        features = new.get("features", [])
        post_id, last = await self._next("posts", 1), await self._next("features", len(features))
        ids = [last - len(features) + 1 + number for number in range(len(features))]
        post = added(post_id, ids, new, now)
        data = encode(post["additional_data"]).decode()
        stored = {name: value for name, value in post.items() if name != "id"}
        async with await self._client.start_session() as session, session.start_transaction():
            document = {**stored, "_id": Int64(post_id), "additional_data": data, "version": Int64(1)}
            await self._db.posts.insert_one({**document, "features": []}, session=session)
            await self._db.posts.update_one(
                {"_id": post_id}, {"$push": {"features": {"$each": document["features"]}}}, session=session
            )
        return post

    async def _next(self, kind: str, count: int) -> int:
        found = await self._db.counters.find_one_and_update(
            {"_id": kind}, {"$inc": {"last": count}}, return_document=ReturnDocument.AFTER
        )
        return int(found["last"])


def _post(document: Document) -> Document:
    id_, data = int(document.pop("_id")), decode(document["additional_data"])
    post = {"id": id_, **document, "additional_data": data, "version": int(document["version"])}
    if "features" in post:
        post["features"] = [{**each, "id": int(each["id"])} for each in post["features"]]
    return post


@asynccontextmanager
async def opened(dsn: str) -> AsyncIterator[Mongo]:
    client: Any = AsyncIOMotorClient(dsn, tz_aware=True)
    try:
        yield Mongo(client)
    finally:
        client.close()


if __name__ == "__main__":
    serve(opened)

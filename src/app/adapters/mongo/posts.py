"""Posts in MongoDB: a document each, with its features inside."""

import re
from datetime import datetime
from typing import Any

import msgspec
from bson.datetime_ms import DatetimeMS
from bson.int64 import Int64
from pymongo import ReturnDocument

from app.adapters.mongo.client import Document, settled
from app.adapters.mongo.documents import Documents
from app.adapters.storage_errors import no_post, post_changed
from app.domain.model.features import Feature
from app.domain.model.paging import Page, Position
from app.domain.model.posts import (
    NewPost,
    Post,
    PostQuery,
    PostSort,
    PostWithFeatures,
    from_milliseconds,
    milliseconds,
)

ALONE = {"features": 0}
"""The projection that leaves a post's features where they are."""

_FIELDS = {PostSort.CREATED_AT: "created_at", PostSort.TITLE: "title", PostSort.ID: "_id"}

# As text: a subdocument with the key `$ref` would come back as a DBRef, and BSON has no key with a NUL.
_to_json = msgspec.json.Encoder().encode
_from_json = msgspec.json.Decoder(dict[str, Any]).decode


class MongoPostRepository:
    """The port `PostRepository` on MongoDB. Without a collation, its text is compared byte by byte."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def find(self, post_id: int) -> Post | None:
        found = await self._documents.read(
            lambda db, session: db.posts.find_one({"_id": post_id}, ALONE, session=session)
        )
        return post_of(found) if found else None

    async def find_with_features(self, post_id: int) -> PostWithFeatures | None:
        found = await self._documents.post(post_id)
        return with_features(found) if found else None

    async def page(self, query: PostQuery) -> Page[Post]:
        matching = {"$match": _filter(query)}
        total = {"coll": "posts", "pipeline": [matching, {"$count": "total"}]}
        order = {"$sort": dict(_order(query))}
        # The sort and the limit follow an index, and the count needs no documents: $facet could have neither.
        steps = [matching, order, {"$skip": query.offset}, {"$limit": query.limit}, {"$project": ALONE}]
        pipeline = [*steps, {"$unionWith": total}]

        async def operation(db: Any, session: Any) -> list[Document]:
            cursor = await settled(db.posts.aggregate(pipeline, session=session, batchSize=query.limit + 2))
            found: list[Document] = await cursor.to_list(None)
            return found

        found = await self._documents.read_stale(operation)
        count = found.pop()["total"] if found and "total" in found[-1] else 0
        return Page([post_of(each) for each in found], query.limit, query.offset, int(count))

    async def page_after(self, query: PostQuery, position: Position, limit: int) -> list[Post]:
        following = {"$and": [_filter(query), _after(query, position)]}

        async def operation(db: Any, session: Any) -> list[Document]:
            cursor = db.posts.find(following, ALONE, sort=_order(query), limit=limit, session=session)
            found: list[Document] = await cursor.to_list(None)
            return found

        return [post_of(each) for each in await self._documents.read_stale(operation)]

    async def add(self, new: NewPost, created_at: datetime) -> Post:
        (post_id,) = await self._documents.next_ids("posts", 1)
        document = document_of(new, post_id, created_at)
        await self._documents.write(lambda db, session: db.posts.insert_one(document, session=session))
        return post_of(document)

    async def save(self, post_id: int, new: NewPost, version: int | None) -> Post:
        change = {"$set": contents(new), "$inc": {"version": Int64(1)}}
        found = await self._documents.write(
            lambda db, session: db.posts.find_one_and_update(
                _current(post_id, version), change, ALONE, return_document=ReturnDocument.AFTER, session=session
            )
        )
        if found is None:
            await self._raise_missing(post_id)
        return post_of(found)

    async def remove(self, post_id: int, version: int | None) -> None:
        result = await self._documents.write(
            lambda db, session: db.posts.delete_one(_current(post_id, version), session=session)
        )
        if not result.deleted_count:
            await self._raise_missing(post_id)

    async def _raise_missing(self, post_id: int) -> None:
        if await self.find(post_id) is None:
            raise no_post(post_id)
        raise post_changed()


def document_of(new: NewPost, post_id: int, created_at: datetime) -> Document:
    """A new post's document; numbers are int64, whatever their size."""
    born = DatetimeMS(milliseconds(created_at))
    return {"_id": Int64(post_id), **contents(new), "created_at": born, "version": Int64(1), "features": []}


def contents(new: NewPost) -> Document:
    """The fields that a caller writes."""
    return {"title": new.title, "content": new.content, "additional_data": _to_json(new.additional_data).decode()}


def post_of(document: Document) -> Post:
    """The post in a document."""
    return Post(*_fields(document))


def with_features(document: Document) -> PostWithFeatures:
    """The post in a document, and its features by id."""
    return PostWithFeatures(*_fields(document), features_of(document))


def features_of(document: Document) -> list[Feature]:
    """The features in a post's document, by id."""
    found = [feature_of(each) for each in document["features"]]
    return sorted(found, key=lambda feature: feature.id)


def feature_of(document: Document) -> Feature:
    """The feature in a subdocument of a post."""
    return Feature(int(document["id"]), document["feature_name"], document["is_active"])


def _fields(document: Document) -> tuple[int, str, str, dict[str, object], datetime, int]:
    return (
        int(document["_id"]),
        document["title"],
        document["content"],
        _from_json(document["additional_data"]),
        from_milliseconds(int(document["created_at"])),
        int(document["version"]),
    )


def _current(post_id: int, version: int | None) -> Document:
    return {"_id": post_id} if version is None else {"_id": post_id, "version": version}


def _filter(query: PostQuery) -> Document:
    return {} if query.title is None else {"title": {"$regex": re.escape(query.title)}}


def _order(query: PostQuery) -> list[tuple[str, int]]:
    """What to sort by. No two posts have one title: asked to sort by the id as well, the server could use no index."""
    direction = 1 if query.sort_dir == "asc" else -1
    field = _FIELDS[query.sort]
    return [(field, direction), ("_id", direction)] if query.sort is PostSort.CREATED_AT else [(field, direction)]


def _after(query: PostQuery, position: Position) -> Document:
    """What follows a position; the bound on the field alone is there for the index."""
    beyond, at = ("$gt", "$gte") if query.sort_dir == "asc" else ("$lt", "$lte")
    field = _FIELDS[query.sort]
    # Of any int64, in range of a datetime or not.
    value = DatetimeMS(int(position.value)) if query.sort is PostSort.CREATED_AT else position.value
    return {field: {at: value}, "$or": [{field: {beyond: value}}, {"_id": {beyond: position.id}}]}

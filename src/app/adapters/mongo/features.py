"""Features in MongoDB, inside the documents of their posts."""

from collections.abc import Iterable, Sequence
from typing import Any

from bson.int64 import Int64

from app.adapters.mongo.client import Document, settled
from app.adapters.mongo.documents import Documents
from app.adapters.mongo.posts import feature_of
from app.adapters.storage_errors import no_post
from app.domain.model.features import Feature, FeatureQuery, NewFeature
from app.domain.model.paging import Page


class MongoFeatureRepository:
    """The port `FeatureRepository` on MongoDB. A page reads all posts that have features."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def page(self, query: FeatureQuery) -> Page[Feature]:
        only_active = [] if query.include_inactive else [{"$match": {"features.is_active": True}}]
        items = [{"$sort": {"features.id": 1}}, {"$skip": query.offset}, {"$limit": query.limit}]
        both = {"$facet": {"items": items, "total": [{"$count": "total"}]}}
        pipeline = [{"$project": {"_id": 0, "features": 1}}, {"$unwind": "$features"}, *only_active, both]

        async def operation(db: Any, session: Any) -> list[Document]:
            cursor = await settled(db.posts.aggregate(pipeline, session=session))
            found: list[Document] = await cursor.to_list(None)
            return found

        (found,) = await self._documents.read_stale(operation)
        total = int(found["total"][0]["total"]) if found["total"] else 0
        return Page([feature_of(each["features"]) for each in found["items"]], query.limit, query.offset, total)

    async def add(self, post_id: int, new: Sequence[NewFeature]) -> list[Feature]:
        return await self._change(post_id, new, lambda added: {"$push": {"features": {"$each": added}}})

    async def replace(self, post_id: int, new: Sequence[NewFeature]) -> list[Feature]:
        return await self._change(post_id, new, lambda added: {"$set": {"features": added}})

    async def _change(self, post_id: int, new: Sequence[NewFeature], change: Any) -> list[Feature]:
        ids = await self._documents.next_ids("features", len(new)) if new else ()
        added = subdocuments(ids, new)
        result = await self._documents.write(
            lambda db, session: db.posts.update_one({"_id": post_id}, change(added), session=session)
        )
        if not result.matched_count:
            raise no_post(post_id)
        return [feature_of(each) for each in added]


def subdocuments(ids: Iterable[int], new: Sequence[NewFeature]) -> list[Document]:
    """What is kept of new features in their post's document."""
    return [
        {"id": Int64(id_), "feature_name": each.feature_name, "is_active": each.is_active}
        for id_, each in zip(ids, new, strict=True)
    ]

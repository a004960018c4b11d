"""Features, inside the documents of their posts, and the counter of their ids."""

from typing import Any

from bson.int64 import Int64

dependencies = ["0001.create-posts"]


def upgrade(db: Any) -> None:
    db.posts.update_many({"features": {"$exists": False}}, {"$set": {"features": []}})
    db.counters.update_one({"_id": "features"}, {"$setOnInsert": {"last": Int64(0)}}, upsert=True)


def downgrade(db: Any) -> None:
    db.posts.update_many({}, {"$unset": {"features": ""}})
    db.counters.delete_one({"_id": "features"})

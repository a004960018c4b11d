"""Posts, and the counter of their ids. A step may be run again where its process was killed: it takes what it finds."""

from typing import Any

from bson.int64 import Int64

dependencies: list[str] = []


def upgrade(db: Any) -> None:
    if "posts" not in db.list_collection_names():
        db.create_collection("posts")
    # No collation: titles are compared byte by byte.
    db.posts.create_index([("title", 1)], name="posts_by_title", unique=True)
    db.posts.create_index([("created_at", 1), ("_id", 1)], name="posts_by_created_at")
    db.counters.update_one({"_id": "posts"}, {"$setOnInsert": {"last": Int64(0)}}, upsert=True)


def downgrade(db: Any) -> None:
    db.drop_collection("posts")
    db.counters.delete_one({"_id": "posts"})

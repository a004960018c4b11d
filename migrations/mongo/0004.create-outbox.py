"""Events that are not delivered yet, the counter of their places, and the shards that they are delivered in."""

from typing import Any

from bson.datetime_ms import DatetimeMS
from bson.int64 import Int64

dependencies = ["0003.create-idempotency-keys"]


def upgrade(db: Any) -> None:
    for name in ("outbox", "outbox_shards"):
        if name not in db.list_collection_names():
            db.create_collection(name)
    db.outbox.create_index([("shard", 1), ("is_dead", 1), ("position", 1)], name="outbox_by_shard")
    db.counters.update_one({"_id": "events"}, {"$setOnInsert": {"last": Int64(0)}}, upsert=True)
    for shard in range(17):
        free = {"token": None, "expires_at": DatetimeMS(0)}
        db.outbox_shards.update_one({"_id": shard}, {"$setOnInsert": free}, upsert=True)


def downgrade(db: Any) -> None:
    db.drop_collection("outbox")
    db.drop_collection("outbox_shards")
    db.counters.delete_one({"_id": "events"})

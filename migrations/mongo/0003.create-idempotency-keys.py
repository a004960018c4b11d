"""The keys of requests that may be repeated, with their answers."""

from typing import Any

dependencies = ["0002.create-features"]


def upgrade(db: Any) -> None:
    if "idempotency_keys" not in db.list_collection_names():
        db.create_collection("idempotency_keys")
    db.idempotency_keys.create_index([("expires_at", 1)], name="idempotency_keys_by_end")


def downgrade(db: Any) -> None:
    db.drop_collection("idempotency_keys")

"""The memory as the storage of a whole service."""

from app.adapters.memory.migrations import NoMigrations
from app.adapters.memory.store import MemoryStore
from app.ports.storage import Storage


def memory_storage(store: MemoryStore) -> Storage:
    """Everything behind the ports, in this store."""
    return Storage(
        pools=[store],
        schema=store,
        make_migrations=NoMigrations,
        transactions=store,
        idempotency_keys=store.idempotency,
        outbox=store.outbox,
        posts=store.posts,
        features=store.features,
    )

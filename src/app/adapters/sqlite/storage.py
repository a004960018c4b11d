"""What the service keeps in SQLite."""

from app.adapters.sqlite.events import SqliteOutbox
from app.adapters.sqlite.features import SqliteFeatureRepository
from app.adapters.sqlite.idempotency import SqliteIdempotencyRepository
from app.adapters.sqlite.migrations import SqliteMigrations, SqliteSchemaCheck
from app.adapters.sqlite.pool import SqlitePool
from app.adapters.sqlite.posts import SqlitePostRepository
from app.adapters.sqlite.settings import SqliteSettings
from app.adapters.sqlite.unit_of_work import SqliteTransactions
from app.ports.storage import Storage


def sqlite_storage(pool: SqlitePool, settings: SqliteSettings) -> Storage:
    """Everything behind the ports, on this pool; makes no connection."""
    return Storage(
        pools=[pool],
        schema=SqliteSchemaCheck(pool),
        make_migrations=lambda: SqliteMigrations(settings),
        transactions=SqliteTransactions(pool),
        idempotency_keys=SqliteIdempotencyRepository(pool),
        outbox=SqliteOutbox(pool),
        posts=SqlitePostRepository(pool),
        features=SqliteFeatureRepository(pool),
    )

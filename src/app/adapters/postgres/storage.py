"""What the service keeps in PostgreSQL."""

from collections.abc import Mapping

from app.adapters.named_pools import NamedPools
from app.adapters.postgres.events import PostgresOutbox
from app.adapters.postgres.features import PostgresFeatureRepository
from app.adapters.postgres.idempotency import PostgresIdempotencyRepository
from app.adapters.postgres.migrations import PostgresMigrations, PostgresSchemaCheck
from app.adapters.postgres.pool import PostgresPool
from app.adapters.postgres.posts import PostgresPostRepository
from app.adapters.postgres.settings import PostgresPoolSettings
from app.adapters.postgres.statements import PooledStatements
from app.adapters.postgres.unit_of_work import PostgresTransactions
from app.ports.storage import Storage


def postgres_storage(pools: NamedPools[PostgresPool], settings: Mapping[str, PostgresPoolSettings]) -> Storage:
    """Everything behind the ports, on these pools; makes no connection."""
    statements = PooledStatements(pools)
    return Storage(
        pools=pools.all(),
        schema=PostgresSchemaCheck(pools),
        make_migrations=lambda: PostgresMigrations(settings),
        transactions=PostgresTransactions(pools),
        idempotency_keys=PostgresIdempotencyRepository(statements),
        outbox=PostgresOutbox(statements),
        posts=PostgresPostRepository(statements),
        features=PostgresFeatureRepository(statements),
    )

"""What the service keeps in MySQL or MariaDB."""

from collections.abc import Mapping

from app.adapters.mysql.events import MysqlOutbox
from app.adapters.mysql.features import MysqlFeatureRepository
from app.adapters.mysql.idempotency import MysqlIdempotencyRepository
from app.adapters.mysql.migrations import MysqlMigrations, MysqlSchemaCheck
from app.adapters.mysql.pool import MysqlPool
from app.adapters.mysql.posts import MysqlPostRepository
from app.adapters.mysql.settings import MysqlPoolSettings
from app.adapters.mysql.statements import MysqlStatements
from app.adapters.mysql.unit_of_work import MysqlTransactions
from app.adapters.named_pools import NamedPools
from app.ports.storage import Storage


def mysql_storage(pools: NamedPools[MysqlPool], settings: Mapping[str, MysqlPoolSettings]) -> Storage:
    """Everything behind the ports, on these pools; makes no connection."""
    statements = MysqlStatements(pools)
    return Storage(
        pools=pools.all(),
        schema=MysqlSchemaCheck(pools),
        make_migrations=lambda: MysqlMigrations(settings),
        transactions=MysqlTransactions(pools),
        idempotency_keys=MysqlIdempotencyRepository(statements),
        outbox=MysqlOutbox(statements),
        posts=MysqlPostRepository(statements),
        features=MysqlFeatureRepository(statements),
    )

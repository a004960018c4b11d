"""What a storage gives to the service, all of it behind ports."""

from collections.abc import Callable, Sequence

import attrs

from app.ports.events import Outbox
from app.ports.features import FeatureRepository
from app.ports.health import Pool
from app.ports.idempotency import IdempotencyRepository
from app.ports.migrations import Migrations, SchemaCheck
from app.ports.posts import PostRepository
from app.ports.unit_of_work import Transactions


@attrs.frozen
class Storage:
    """One storage and everything kept in it: each storage makes one, and the service runs on the chosen one."""

    pools: Sequence[Pool]
    schema: SchemaCheck
    make_migrations: Callable[[], Migrations]
    transactions: Transactions
    idempotency_keys: IdempotencyRepository
    outbox: Outbox
    posts: PostRepository
    features: FeatureRepository

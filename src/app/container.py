"""Every part of the service and what it is made of. Making a part does no I/O; `app.py` opens what was chosen.

A container belongs to one application or one test: override providers of the instance before anything is resolved.
"""

from collections.abc import Callable
from datetime import datetime

from dependency_injector import containers, providers
from prometheus_client import CollectorRegistry, ProcessCollector

from app.adapters.app_pages.client import AppPagesClient
from app.adapters.config.live import LiveSettings
from app.adapters.config.loading import Loaded
from app.adapters.config.settings import Settings
from app.adapters.consul.parts import ConsulParts
from app.adapters.http.metrics import UpstreamMetrics
from app.adapters.http.upstream import Upstream
from app.adapters.mongo.events import MongoOutbox
from app.adapters.mongo.features import MongoFeatureRepository
from app.adapters.mongo.idempotency import MongoIdempotencyRepository
from app.adapters.mongo.migrations import MongoMigrations, MongoSchemaCheck
from app.adapters.mongo.pool import MongoPool
from app.adapters.mongo.posts import MongoPostRepository
from app.adapters.mongo.unit_of_work import MongoTransactions
from app.adapters.mysql.events import MysqlOutbox
from app.adapters.mysql.features import MysqlFeatureRepository
from app.adapters.mysql.idempotency import MysqlIdempotencyRepository
from app.adapters.mysql.migrations import MysqlMigrations, MysqlSchemaCheck
from app.adapters.mysql.pool import MysqlPool, make_mysql_pools
from app.adapters.mysql.posts import MysqlPostRepository
from app.adapters.mysql.statements import MysqlStatements
from app.adapters.mysql.unit_of_work import MysqlTransactions
from app.adapters.named_pools import NamedPools
from app.adapters.postgres.events import PostgresOutbox
from app.adapters.postgres.features import PostgresFeatureRepository
from app.adapters.postgres.idempotency import PostgresIdempotencyRepository
from app.adapters.postgres.migrations import PostgresMigrations, PostgresSchemaCheck
from app.adapters.postgres.pool import PostgresPool, make_postgres_pools
from app.adapters.postgres.posts import PostgresPostRepository
from app.adapters.postgres.statements import PooledStatements
from app.adapters.postgres.unit_of_work import PostgresTransactions
from app.adapters.sqlite.events import SqliteOutbox
from app.adapters.sqlite.features import SqliteFeatureRepository
from app.adapters.sqlite.idempotency import SqliteIdempotencyRepository
from app.adapters.sqlite.migrations import SqliteMigrations, SqliteSchemaCheck
from app.adapters.sqlite.pool import SqlitePool
from app.adapters.sqlite.posts import SqlitePostRepository
from app.adapters.sqlite.unit_of_work import SqliteTransactions
from app.adapters.tracing.statements import traced_pool, traced_pools
from app.domain.services.idempotency import IdempotencyService, JoinableTransactions
from app.domain.services.outbox_watch import OutboxWatch
from app.domain.services.posts import PostService
from app.domain.services.relay import EventRelay
from app.domain.services.store_pages import StorePageService
from app.entrypoints.api.features import FeatureHandlers
from app.entrypoints.api.health import HealthHandlers, Readiness
from app.entrypoints.api.idempotency import OnceOverHttp
from app.entrypoints.api.posts import PostHandlers
from app.entrypoints.api.store_pages import StorePageHandlers
from app.entrypoints.consul_metrics import ConsulMetrics
from app.entrypoints.http.admission import Admission
from app.entrypoints.http.endpoint import HttpKit
from app.entrypoints.http.metrics import HttpMetrics, MetricsHandlers, MetricsSource, OwnMetrics
from app.entrypoints.limits import body_limits, make_cors, make_meter, make_shared_buckets
from app.entrypoints.pool_metrics import PoolMetrics, ReadinessMetrics
from app.entrypoints.relaying import RelayLoop, RelayMetrics, if_wanted, make_publisher, relay_rules
from app.entrypoints.tracing import (
    Tracing,
    calling,
    make_access_log,
    make_mongo_documents,
    make_mongo_pools,
    make_tracing,
    make_translator,
    publishing,
)
from app.parts import in_opening_order, logs_as_json, make_app_pages, make_tokens, present, utc_now, where_app_pages_is
from app.ports.events import EventPublisher, Outbox
from app.ports.features import FeatureRepository
from app.ports.health import Pool, Resource
from app.ports.idempotency import IdempotencyRepository
from app.ports.migrations import Migrations, SchemaCheck
from app.ports.posts import PostRepository
from app.ports.store_pages import StorePages
from app.ports.unit_of_work import Transactions


class Container(containers.DeclarativeContainer):
    """The object graph. `settings` is given: `Container(settings=…)`, and `loaded` to follow the settings in Consul."""

    # Settings

    settings = providers.Dependency(instance_of=Settings)
    storage = settings.provided.storage
    now: providers.Provider[Callable[[], datetime]] = providers.Object(utc_now)

    # Resources: opened before the first request, in the order that stands under Services, closed in reverse

    registry = providers.Singleton(CollectorRegistry)
    tracing: providers.Provider[Tracing | None] = providers.Singleton(make_tracing, settings)
    access_log = providers.Singleton(make_access_log, providers.Callable(logs_as_json, settings), tracing)
    tokens = providers.Singleton(calling, providers.Singleton(make_tokens, settings), tracing)
    postgres_pools: providers.Provider[NamedPools[PostgresPool]] = providers.Singleton(
        traced_pools, providers.Singleton(make_postgres_pools, settings.provided.postgres), tracing, "postgresql"
    )
    mongo_pools: providers.Provider[NamedPools[MongoPool]] = providers.Singleton(
        make_mongo_pools, settings.provided.mongo, tracing
    )
    mysql_pools: providers.Provider[NamedPools[MysqlPool]] = providers.Singleton(
        traced_pools, providers.Singleton(make_mysql_pools, settings.provided.mysql), tracing, "mysql"
    )
    sqlite_pool: providers.Provider[Pool] = providers.Singleton(
        traced_pool, providers.Singleton(SqlitePool, settings.provided.sqlite), tracing, "sqlite"
    )
    pools: providers.Provider[list[Pool]] = providers.Selector(
        storage,
        sqlite=providers.List(sqlite_pool),
        postgres=postgres_pools.provided.all.call(),
        mongo=mongo_pools.provided.all.call(),
        mysql=mysql_pools.provided.all.call(),
    )
    schema: providers.Provider[SchemaCheck] = providers.Selector(
        storage,
        sqlite=providers.Singleton(SqliteSchemaCheck, sqlite_pool),
        postgres=providers.Singleton(PostgresSchemaCheck, postgres_pools),
        mongo=providers.Singleton(MongoSchemaCheck, mongo_pools),
        mysql=providers.Singleton(MysqlSchemaCheck, mysql_pools),
    )
    shared_buckets = providers.Singleton(make_shared_buckets, settings)
    readiness = providers.Singleton(Readiness, pools, schema)
    loaded: providers.Provider[Loaded | None] = providers.Object(None)  # given where Consul's settings are followed
    live = providers.Singleton(LiveSettings, settings)
    consul = providers.Singleton(calling, providers.Singleton(ConsulParts, settings, loaded, live, readiness), tracing)
    upstream_metrics = providers.Singleton(UpstreamMetrics, registry)
    app_pages_upstream: providers.Provider[Upstream] = providers.Singleton(where_app_pages_is, settings, consul)
    app_pages = providers.Singleton(make_app_pages, live, app_pages_upstream, upstream_metrics, tracing)

    # Adapters

    mongo_documents = providers.Singleton(make_mongo_documents, mongo_pools, tracing)
    postgres_statements = providers.Singleton(PooledStatements, postgres_pools)
    mysql_statements = providers.Singleton(MysqlStatements, mysql_pools)
    posts: providers.Provider[PostRepository] = providers.Selector(
        storage,
        sqlite=providers.Singleton(SqlitePostRepository, sqlite_pool),
        postgres=providers.Singleton(PostgresPostRepository, postgres_statements),
        mongo=providers.Singleton(MongoPostRepository, mongo_documents),
        mysql=providers.Singleton(MysqlPostRepository, mysql_statements),
    )
    features: providers.Provider[FeatureRepository] = providers.Selector(
        storage,
        sqlite=providers.Singleton(SqliteFeatureRepository, sqlite_pool),
        postgres=providers.Singleton(PostgresFeatureRepository, postgres_statements),
        mongo=providers.Singleton(MongoFeatureRepository, mongo_documents),
        mysql=providers.Singleton(MysqlFeatureRepository, mysql_statements),
    )
    idempotency_keys: providers.Provider[IdempotencyRepository] = providers.Selector(
        storage,
        sqlite=providers.Singleton(SqliteIdempotencyRepository, sqlite_pool),
        postgres=providers.Singleton(PostgresIdempotencyRepository, postgres_statements),
        mongo=providers.Singleton(MongoIdempotencyRepository, mongo_documents),
        mysql=providers.Singleton(MysqlIdempotencyRepository, mysql_statements),
    )
    transactions: providers.Provider[Transactions] = providers.Selector(
        storage,
        sqlite=providers.Singleton(SqliteTransactions, sqlite_pool),
        postgres=providers.Singleton(PostgresTransactions, postgres_pools),
        mongo=providers.Singleton(MongoTransactions, mongo_pools),
        mysql=providers.Singleton(MysqlTransactions, mysql_pools),
    )
    outbox: providers.Provider[Outbox] = providers.Selector(
        storage,
        sqlite=providers.Singleton(SqliteOutbox, sqlite_pool),
        postgres=providers.Singleton(PostgresOutbox, postgres_statements),
        mongo=providers.Singleton(MongoOutbox, mongo_documents),
        mysql=providers.Singleton(MysqlOutbox, mysql_statements),
    )
    publisher: providers.Provider[EventPublisher] = providers.Singleton(
        publishing,
        providers.Singleton(make_publisher, settings.provided.events),
        settings.provided.events.publisher,
        tracing,
    )
    migrations: providers.Provider[Migrations] = providers.Selector(
        storage,
        sqlite=providers.Factory(SqliteMigrations, settings.provided.sqlite),
        postgres=providers.Factory(PostgresMigrations, settings.provided.postgres),
        mongo=providers.Factory(MongoMigrations, settings.provided.mongo),
        mysql=providers.Factory(MysqlMigrations, settings.provided.mysql),
    )
    store_pages: providers.Provider[StorePages] = providers.Singleton(AppPagesClient, app_pages)

    # Services

    units: providers.Provider[Transactions] = providers.Singleton(JoinableTransactions, transactions)
    idempotency = providers.Singleton(
        IdempotencyService, idempotency_keys, transactions, now, settings.provided.http.idempotency_ttl
    )
    post_service = providers.Singleton(PostService, posts, units, now)
    store_page_service = providers.Singleton(StorePageService, store_pages, posts, now)

    relay = providers.Singleton(
        EventRelay, outbox, publisher, now, providers.Callable(relay_rules, settings.provided.events)
    )
    outbox_watch = providers.Singleton(OutboxWatch, outbox, idempotency, now)
    relay_loop = providers.Singleton(
        RelayLoop, relay, outbox_watch, publisher, schema, settings.provided.events.interval
    )

    relay_here: providers.Provider[RelayLoop | None] = providers.Callable(
        if_wanted, settings.provided.events.relay, relay_loop.provider
    )
    resources: providers.Provider[list[Resource]] = providers.Callable(
        in_opening_order,
        providers.Callable(present, access_log, tracing),
        consul,
        pools,
        providers.Callable(present, app_pages, tokens, shared_buckets, relay_here, readiness),
    )

    # Handlers

    http_metrics = providers.Singleton(HttpMetrics, registry)
    metrics_source: providers.Provider[MetricsSource] = providers.Singleton(OwnMetrics, registry)
    pool_metrics = providers.Singleton(PoolMetrics, registry, pools)
    readiness_metrics = providers.Singleton(ReadinessMetrics, registry, readiness)
    process_metrics = providers.Singleton(ProcessCollector, registry=registry)
    relay_metrics = providers.Singleton(RelayMetrics, registry, relay, outbox_watch)
    consul_metrics = providers.Singleton(ConsulMetrics, registry, consul)
    kit = providers.Singleton(
        HttpKit,
        metrics=http_metrics,
        access_log=access_log,
        tokens=tokens,
        translate_error=providers.Singleton(make_translator, tracing),
        request_timeout=settings.provided.http.request_timeout,
        once=providers.Singleton(OnceOverHttp, idempotency),
        body=providers.Factory(body_limits, settings.provided.http),
        admission=providers.Factory(Admission, settings.provided.http.in_flight_limit),
        meter=providers.Singleton(make_meter, settings.provided.rate_limit, shared_buckets),
        cors=providers.Factory(make_cors, settings.provided.cors),
        spans=tracing,
    )
    api = providers.List(
        providers.Factory(PostHandlers, post_service),
        providers.Factory(FeatureHandlers, features),
        providers.Factory(StorePageHandlers, store_page_service),
    )
    operations = providers.List(
        providers.Factory(HealthHandlers, readiness),
        providers.Factory(MetricsHandlers, metrics_source),
    )

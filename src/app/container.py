"""Every part of the service and what it is made of. Making a part does no I/O; `app.py` opens what was chosen.

A container belongs to one application or one test: override providers of the instance before anything is resolved.
"""

from collections.abc import Callable, Sequence
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
from app.adapters.memory.storage import memory_storage
from app.adapters.memory.store import MemoryStore
from app.adapters.mongo.storage import make_traced_mongo_pools, mongo_storage
from app.adapters.mysql.pool import make_mysql_pools
from app.adapters.mysql.storage import mysql_storage
from app.adapters.postgres.pool import make_postgres_pools
from app.adapters.postgres.storage import postgres_storage
from app.adapters.sqlite.pool import SqlitePool
from app.adapters.sqlite.storage import sqlite_storage
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
    make_tracing,
    make_translator,
    publishing,
)
from app.parts import (
    chosen_storage,
    in_opening_order,
    logs_as_json,
    make_app_pages,
    make_tokens,
    present,
    utc_now,
    where_app_pages_is,
)
from app.ports.events import EventPublisher, Outbox
from app.ports.features import FeatureRepository
from app.ports.health import Pool, Resource
from app.ports.idempotency import IdempotencyRepository
from app.ports.migrations import Migrations, SchemaCheck
from app.ports.posts import PostRepository
from app.ports.storage import Storage
from app.ports.store_pages import StorePages
from app.ports.unit_of_work import Transactions


class Container(containers.DeclarativeContainer):
    """The object graph. `settings` is given: `Container(settings=…)`, and `loaded` to follow the settings in Consul."""

    # Settings

    settings = providers.Dependency(instance_of=Settings)
    now: providers.Provider[Callable[[], datetime]] = providers.Object(utc_now)

    # Resources: opened before the first request, in the order that stands under Services, closed in reverse

    registry = providers.Singleton(CollectorRegistry)
    tracing: providers.Provider[Tracing | None] = providers.Singleton(make_tracing, settings)
    access_log = providers.Singleton(make_access_log, providers.Callable(logs_as_json, settings), tracing)
    tokens = providers.Singleton(calling, providers.Singleton(make_tokens, settings), tracing)

    # Storages: a block for each; the chosen one is made, the others are not

    sqlite_pool = providers.Singleton(
        traced_pool, providers.Singleton(SqlitePool, settings.provided.sqlite), tracing, "sqlite"
    )
    sqlite = providers.Singleton(sqlite_storage, sqlite_pool, settings.provided.sqlite)

    postgres_pools = providers.Singleton(
        traced_pools, providers.Singleton(make_postgres_pools, settings.provided.postgres), tracing, "postgresql"
    )
    postgres = providers.Singleton(postgres_storage, postgres_pools, settings.provided.postgres)

    mysql_pools = providers.Singleton(
        traced_pools, providers.Singleton(make_mysql_pools, settings.provided.mysql), tracing, "mysql"
    )
    mysql = providers.Singleton(mysql_storage, mysql_pools, settings.provided.mysql)

    mongo_pools = providers.Singleton(make_traced_mongo_pools, settings.provided.mongo, tracing)
    mongo = providers.Singleton(mongo_storage, mongo_pools, settings.provided.mongo, tracing)

    kept: providers.Provider[Storage] = providers.Callable(
        chosen_storage,
        settings.provided.storage,
        sqlite=sqlite.provider,
        postgres=postgres.provider,
        mysql=mysql.provider,
        mongo=mongo.provider,
    )
    pools: providers.Provider[Sequence[Pool]] = kept.provided.pools
    schema: providers.Provider[SchemaCheck] = kept.provided.schema
    migrations: providers.Provider[Migrations] = kept.provided.make_migrations.call()
    transactions: providers.Provider[Transactions] = kept.provided.transactions
    idempotency_keys: providers.Provider[IdempotencyRepository] = kept.provided.idempotency_keys
    outbox: providers.Provider[Outbox] = kept.provided.outbox
    posts: providers.Provider[PostRepository] = kept.provided.posts
    features: providers.Provider[FeatureRepository] = kept.provided.features

    # More of what is opened and closed

    shared_buckets = providers.Singleton(make_shared_buckets, settings)
    readiness = providers.Singleton(Readiness, pools, schema)
    loaded: providers.Provider[Loaded | None] = providers.Object(None)  # given where Consul's settings are followed
    live = providers.Singleton(LiveSettings, settings)
    consul = providers.Singleton(calling, providers.Singleton(ConsulParts, settings, loaded, live, readiness), tracing)
    upstream_metrics = providers.Singleton(UpstreamMetrics, registry)
    app_pages_upstream: providers.Provider[Upstream] = providers.Singleton(where_app_pages_is, settings, consul)
    app_pages = providers.Singleton(make_app_pages, live, app_pages_upstream, upstream_metrics, tracing)

    # Adapters

    publisher: providers.Provider[EventPublisher] = providers.Singleton(
        publishing,
        providers.Singleton(make_publisher, settings.provided.events),
        settings.provided.events.publisher,
        tracing,
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


def use_memory(container: Container) -> MemoryStore:
    """Let the whole service of this container keep its data in memory, for tests; before anything of it is made."""
    store = MemoryStore()
    container.kept.override(providers.Object(memory_storage(store)))
    return store

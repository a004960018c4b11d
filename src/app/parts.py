"""Parts that take a decision to make; `container.py` says what they are made of."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime

from app.adapters.app_pages.upstream import app_pages_at
from app.adapters.config.dev_secret import dev_secret
from app.adapters.config.live import LiveSettings
from app.adapters.config.setting import variable
from app.adapters.config.settings import Environment, LogFormat, Settings
from app.adapters.config.sources import Problem, SettingsError
from app.adapters.consul.parts import ConsulParts
from app.adapters.http.client import HttpClient
from app.adapters.http.metrics import UpstreamMetrics
from app.adapters.http.upstream import Upstream
from app.entrypoints.http.jwks import JwksTokens
from app.entrypoints.http.tokens import SecretTokens, TokenRules
from app.entrypoints.tracing import calling
from app.ports.health import Pool, Resource
from app.ports.storage import Storage
from app.tracing import Spans


def utc_now() -> datetime:
    """The time, aware and in UTC."""
    return datetime.now(UTC)


def chosen_storage(name: str, **storages: Callable[[], Storage]) -> Storage:
    """The storage of that name; raises SettingsError where the service has none such (any more)."""
    if name not in storages:
        problem = f"must be one of {', '.join(sorted(storages))}: there is no storage {name} in this service"
        raise SettingsError([Problem(variable(("storage",)), "settings", problem)])
    return storages[name]()


def logs_as_json(settings: Settings) -> bool:
    """Whether log lines are JSON: as set, or everywhere but on a terminal in development."""
    if settings.log.format is LogFormat.AUTO:
        return not (settings.env is Environment.DEV and sys.stdout.isatty())
    return settings.log.format is LogFormat.JSON


def make_tokens(settings: Settings) -> SecretTokens | JwksTokens:
    """What checks bearer tokens: the issuer's public keys where a URL is set, else the secret."""
    auth = settings.auth
    rules = TokenRules(auth.issuer, auth.audience, auth.leeway)
    if auth.jwks_url is not None:
        return JwksTokens(auth.jwks_url, rules)
    secret = auth.secret if auth.secret is not None else dev_secret(settings.data_dir)
    return SecretTokens(secret.reveal(), rules)


def where_app_pages_is(settings: Settings, consul: ConsulParts) -> Upstream:
    """Where the calls of app_pages go: to the instances that Consul knows, or to one address."""
    if settings.app_pages.service is not None:
        return consul.discover(settings.app_pages.service)
    return app_pages_at(settings.app_pages.url, in_dev=settings.env is Environment.DEV)


def make_app_pages(live: LiveSettings, upstream: Upstream, metrics: UpstreamMetrics, spans: Spans | None) -> HttpClient:
    """The client of app_pages, whose limits and times follow the settings."""
    client = calling(HttpClient("app_pages", live.current.app_pages, upstream, metrics), spans)
    live.subscribe(lambda settings: client.apply(settings.app_pages))
    return client


def present(*resources: Resource | None) -> list[Resource]:
    """Those that there are, in their order."""
    return [each for each in resources if each is not None]


def in_opening_order(
    logs: list[Resource], consul: ConsulParts, pools: list[Pool], rest: list[Resource]
) -> list[Resource]:
    """Logs and traces first, so that they are closed last; the registration last, so that it is the first to go."""
    return [*logs, *consul.opened_first(), *pools, *rest, *consul.opened_last()]

"""What holds between settings: values that follow from others, and combinations that are refused."""

import difflib
import importlib.util
from collections.abc import Iterator, Mapping
from pathlib import Path

from app.adapters.config.building import Broken
from app.adapters.config.cors_settings import ANY
from app.adapters.config.setting import Key, variable
from app.adapters.config.settings import BODY_TIMEOUT, DEFAULT_ISSUER, Environment, Settings
from app.adapters.config.sources import Given
from app.adapters.http.settings import ClientSettings
from app.adapters.named_pools import PRIMARY, REPLICA

DEV_DSNS: dict[str, str] = {
    "postgres": "postgresql://app:app@127.0.0.1:5432/app",
    "mysql": "mysql://app:app@127.0.0.1:3306/app",
    "mongo": "mongodb://127.0.0.1:27017/app",
}
"""The storages that are servers, and where each one's primary is on a developer's machine unless that is set."""

BODY_SHARE = 0.8
"""How much of a short request its body may take to arrive, unless that is set."""

RELAY_MARGIN = 2.0
"""Seconds of a lease that are left for more than waiting for one receiver."""

TRACING_EXTRA = "opentelemetry.exporter.otlp.proto.http"
"""What the extra `otel` brings last: with it, all of the extra is there."""

MAKE_A_SECRET = "python -c 'import secrets; print(secrets.token_urlsafe(48))'"  # noqa: S105 - a command, no secret

_ENV: Key = ("env",)
_STORAGE: Key = ("storage",)
_SECRET: Key = ("auth", "secret")
_JWKS_URL: Key = ("auth", "jwks_url")
_ISSUER: Key = ("auth", "issuer")
_AUDIENCE: Key = ("auth", "audience")
_ORIGINS: Key = ("cors", "origins")
_CREDENTIALS: Key = ("cors", "credentials")
_RATE: Key = ("rate_limit", "per_second")
_REDIS: Key = ("rate_limit", "redis")
_HOST: Key = ("http", "host")
_REQUEST_TIMEOUT: Key = ("http", "request_timeout")
_BODY_TIMEOUT: Key = ("http", "body_timeout")
_CONSUL_ADDRESS: Key = ("consul", "address")
_SERVICE_ADDRESS: Key = ("consul", "service_address")
_LEASE: Key = ("events", "lease")
_PUBLISHER: Key = ("events", "publisher")
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - recognized, not bound


def derived(given: Mapping[Key, Given]) -> Iterator[Given]:
    """Values that follow from others, for settings that nobody set."""
    data_dir = given.get(("data_dir",))
    if data_dir and data_dir.text:
        yield _following(data_dir, ("sqlite", "path"), str(Path(data_dir.text) / "app.db"))
    if _REQUEST_TIMEOUT in given:
        yield from _body_time(given[_REQUEST_TIMEOUT])
    env, storage = given.get(_ENV), given.get(_STORAGE)
    is_dev = env is None or env.text.lower() == Environment.DEV
    if is_dev and storage is not None and storage.text in DEV_DSNS:
        yield _following(storage, _primary_dsn(storage.text), DEV_DSNS[storage.text])


def _body_time(request: Given) -> Iterator[Given]:
    try:
        seconds = float(request.text)
    except ValueError:  # it is told as the problem that it is
        return
    if 0 < seconds <= BODY_TIMEOUT:
        yield _following(request, _BODY_TIMEOUT, f"{seconds * BODY_SHARE:g}")


def _primary_dsn(storage: str) -> Key:
    return (storage, PRIMARY, "dsn")


def _following(cause: Given, key: Key, text: str) -> Given:
    return Given(key, cause.name, f"follows {cause.name}, {cause.origin}", text)


def refused(settings: Settings) -> Iterator[Broken]:
    """What cannot stand together, or is missing where the service runs."""
    yield from _keys(settings)
    yield from _primary(settings)
    yield from _misspelt_pools(settings)
    if settings.auth.jwks_url is not None:
        yield from _remote_keys(settings)
    if settings.http.body_timeout >= settings.http.request_timeout:
        # The request's own deadline would end it first, with a 504: as if the service were slow, and not the client.
        yield Broken((_BODY_TIMEOUT, _REQUEST_TIMEOUT), "must be less than APP_HTTP__REQUEST_TIMEOUT")
    yield from _login(settings.app_pages, ("app_pages",))
    yield from _place(settings, settings.app_pages, ("app_pages",))
    if settings.cors.credentials and ANY in settings.cors.origins:
        yield Broken((_CREDENTIALS, _ORIGINS), "cannot stand beside APP_CORS__ORIGINS=*; name the origins")
    if settings.rate_limit.redis is not None and settings.rate_limit.per_second is None:
        yield Broken((_RATE, _REDIS), "is required with APP_RATE_LIMIT__REDIS")
    yield from _consul(settings)
    if settings.events.lease < settings.events.publish_timeout + RELAY_MARGIN:
        yield Broken((_LEASE, ("events", "publish_timeout")), "must be two seconds above APP_EVENTS__PUBLISH_TIMEOUT")
    if settings.events.publisher == "webhook":
        yield from _webhook(settings)
    if settings.tracing.enabled and not _is_installed(TRACING_EXTRA):
        yield Broken((("tracing", "enabled"),), "needs what isn't installed: pip install '.[otel]'")


def _keys(settings: Settings) -> Iterator[Broken]:
    auth = settings.auth
    if auth.secret is None and auth.jwks_url is None and settings.env is not Environment.DEV:
        yield Broken(
            (_SECRET, _JWKS_URL, _ENV),
            f"is required outside dev, or else APP_AUTH__JWKS_URL; make one with: {MAKE_A_SECRET}",
        )
    if auth.secret is not None and auth.jwks_url is not None:
        yield Broken((_SECRET, _JWKS_URL), "cannot stand beside APP_AUTH__JWKS_URL; unset one of them")


def _primary(settings: Settings) -> Iterator[Broken]:
    if settings.storage in DEV_DSNS and PRIMARY not in getattr(settings, settings.storage):
        yield Broken(
            (_primary_dsn(settings.storage), _STORAGE, _ENV),
            f"is required outside dev with APP_STORAGE={settings.storage}",
        )


def _misspelt_pools(settings: Settings) -> Iterator[Broken]:
    """Names of pools are free, for repositories of one's own; but a REPLICAA would be opened and never read."""
    for storage in DEV_DSNS:
        for name in getattr(settings, storage):
            close = difflib.get_close_matches(name, (PRIMARY, REPLICA), n=1, cutoff=0.75)
            if close and name not in close:
                yield Broken(
                    ((storage, name, "dsn"),), f"is no pool; did you mean {variable((storage, close[0], 'dsn'))}?"
                )


def _remote_keys(settings: Settings) -> Iterator[Broken]:
    """Rules for keys that somebody else publishes: no use in dev, where the issuer may be a stand-in."""
    if settings.env in (Environment.DEV, Environment.TEST):
        return
    if not str(settings.auth.jwks_url).lower().startswith("https:"):
        yield Broken((_JWKS_URL, _ENV), "must be https outside dev and test")
    for key, value in ((_ISSUER, settings.auth.issuer), (_AUDIENCE, settings.auth.audience)):
        if value == DEFAULT_ISSUER:
            yield Broken((key, _JWKS_URL, _ENV), "is required with APP_AUTH__JWKS_URL")


def _place(settings: Settings, client: ClientSettings, prefix: Key) -> Iterator[Broken]:
    """Rules for where an upstream is: at a URL, or where Consul says."""
    url, service = (*prefix, "url"), (*prefix, "service")
    if client.service is not None and client.url is not None:
        yield Broken((service, url), f"cannot stand beside {variable(url)}; unset one of them")
    if client.service is not None and settings.consul.address is None:
        yield Broken((_CONSUL_ADDRESS, service), f"is required with {variable(service)}")


def _login(client: ClientSettings, prefix: Key) -> Iterator[Broken]:
    """Rules for how we log in at an upstream: with a token, or as a user with a password, or not at all."""
    token, user, password = (*prefix, "token"), (*prefix, "user"), (*prefix, "password")
    if client.token is not None and client.user is not None:
        yield Broken((token, user), f"cannot stand beside {variable(user)}; unset one of them")
    if (client.user is None) != (client.password is None):
        missing, given = (user, password) if client.user is None else (password, user)
        yield Broken((missing, given), f"is required with {variable(given)}")


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False  # nor is a package that it would be in


def _webhook(settings: Settings) -> Iterator[Broken]:
    webhook = settings.events.webhook
    for name, value in (("url", webhook.url), ("secret", webhook.secret)):
        if value is None:
            yield Broken((("events", "webhook", name), _PUBLISHER), "is required with APP_EVENTS__PUBLISHER=webhook")


def _consul(settings: Settings) -> Iterator[Broken]:
    consul = settings.consul
    for name, wanted in (("register", consul.register), ("required", consul.required)):
        if wanted and consul.address is None:
            yield Broken((_CONSUL_ADDRESS, ("consul", name)), f"is required with APP_CONSUL__{name.upper()}")
    if consul.register and consul.service_address is None and settings.http.host in _EVERYWHERE:
        yield Broken(
            (_SERVICE_ADDRESS, _HOST), "is required: no instance can be reached at the address that APP_HTTP__HOST has"
        )

"""The settings of a client of another service."""

import attrs
from attrs.validators import ge, gt, le, min_len

from app.adapters.config.checks import header_value, web_address
from app.adapters.config.secret import Secret
from app.adapters.config.setting import setting


@attrs.frozen
class ClientSettings:
    """Where one upstream is, who we are to it, and how much of it we put up with. Times are seconds, sizes bytes."""

    url: str | None = setting(None, "The upstream's base URL", validator=web_address)
    service: str | None = setting(None, "The upstream's name in Consul, in place of a URL", validator=min_len(1))
    token: Secret | None = setting(None, "The bearer token to send", validator=header_value)
    user: str | None = setting(None, "Whom to log in as, in place of a token", validator=min_len(1))
    password: Secret | None = setting(None, "The user's password")
    user_agent: str = setting("aiohttp-service-template", "Who we say we are", validator=header_value)
    headers: dict[str, Secret] = setting(
        attrs.Factory(dict), "A header of every call; `X_API_KEY` is `X-Api-Key`", validator=header_value
    )
    timeout: float = setting(
        5.0, "Seconds a call may take with all its attempts", validator=[gt(0), le(300)], reloadable=True
    )
    attempt_timeout: float = setting(2.0, "Seconds one attempt may take", validator=[gt(0), le(300)], reloadable=True)
    connect_timeout: float = setting(
        1.0, "Seconds that connecting may take", validator=[gt(0), le(60)], reloadable=True
    )
    body_limit: int = setting(2**20, "Bytes an answer may have", validator=[ge(1), le(2**30)], reloadable=True)
    concurrency: int = setting(50, "Calls at once; more are refused", validator=[ge(1), le(10_000)], reloadable=True)
    attempts: int = setting(3, "Attempts a call may take", validator=[ge(1), le(10)], reloadable=True)
    retry_budget: float = setting(0.1, "Retries for each call, on average", validator=[ge(0), le(1)], reloadable=True)
    retry_wait: float = setting(
        0.1,
        "Seconds to wait at most before the first retry; doubled for each further one",
        validator=[ge(0), le(60)],
        reloadable=True,
    )
    breaker_window: float = setting(
        10.0, "Seconds over which the breaker looks at calls", validator=[gt(0), le(600)], reloadable=True
    )
    breaker_calls: int = setting(
        10, "Calls in the window before the breaker may open", validator=[ge(1), le(10_000)], reloadable=True
    )
    breaker_failures: float = setting(
        0.5, "The part of them that must fail for it to open", validator=[gt(0), le(1)], reloadable=True
    )
    breaker_pause: float = setting(
        5.0, "Seconds it stays open before a call probes the upstream", validator=[gt(0), le(600)], reloadable=True
    )

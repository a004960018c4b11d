"""The settings of the rate limit, and of the Redis that may be used for it."""

import enum

import attrs
from attrs.validators import ge, gt, le

from app.adapters.config.checks import Demand
from app.adapters.config.secret import Dsn
from app.adapters.config.setting import setting


class WithoutRedis(enum.StrEnum):
    """What happens while Redis is away: `open` lets each worker count for itself, `closed` answers 503."""

    OPEN = "open"
    CLOSED = "closed"


def _is_redis_address(dsn: Dsn) -> bool:
    return dsn.reveal().startswith(("redis://", "rediss://", "unix://"))


@attrs.frozen
class RateLimitSettings:
    """How much one caller may ask for. Times are seconds."""

    per_second: float | None = setting(
        None, "Requests per second that one caller may send for long; no limit unless set", validator=[gt(0), le(1e6)]
    )
    burst: int = setting(100, "Requests that one caller may send at once", validator=[ge(1), le(10**6)])
    redis: Dsn | None = setting(
        None,
        "The Redis in which all workers count together; each counts for itself unless set",
        validator=Demand("a redis://, rediss:// or unix:// URL", _is_redis_address),
    )
    redis_timeout: float = setting(0.1, "Seconds to wait for Redis", validator=[gt(0), le(5)])
    without_redis: WithoutRedis = setting(
        WithoutRedis.OPEN, "While Redis is away: `open` lets each worker count for itself, `closed` answers 503"
    )

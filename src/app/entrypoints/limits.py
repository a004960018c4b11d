"""From settings to the limits of the service: what it takes on, from whom, and how much."""

from app.adapters.config.cors_settings import CorsSettings
from app.adapters.config.settings import HttpSettings, Settings
from app.adapters.redis.rate_limit import RedisTokenBuckets
from app.adapters.redis.settings import RateLimitSettings, WithoutRedis
from app.entrypoints.http.body import BodyLimits
from app.entrypoints.http.cors import Cors, CorsRules
from app.entrypoints.http.rate_limit import Meter, RatePolicy, TokenBuckets
from app.entrypoints.http.server import ServerLimits


def server_limits(http: HttpSettings) -> ServerLimits:
    """What the connections may cost."""
    return ServerLimits(
        connections=http.connection_limit,
        keepalive_timeout=http.keepalive_timeout,
        head_timeout=http.header_timeout,
        write_timeout=http.write_timeout,
        line=http.header_line_limit,
        header=http.header_field_limit,
        headers=http.header_count_limit,
        shutdown_timeout=http.shutdown_timeout,
    )


def body_limits(http: HttpSettings) -> BodyLimits:
    """What the body of a request may cost."""
    return BodyLimits(http.body_limit, http.body_timeout)


def make_cors(cors: CorsSettings) -> Cors | None:
    """What pages of other origins may do; None where there are none."""
    if not cors.origins:
        return None
    rules = CorsRules(cors.origins, cors.methods, cors.headers, cors.exposed_headers, cors.credentials, cors.max_age)
    return Cors(rules)


def make_shared_buckets(settings: Settings) -> RedisTokenBuckets | None:
    """The buckets in Redis, where it is to be used."""
    limit = settings.rate_limit
    if limit.per_second is None or limit.redis is None:
        return None
    own = TokenBuckets(_policy(limit)) if limit.without_redis is WithoutRedis.OPEN else None
    return RedisTokenBuckets(limit, settings.name, own.take if own is not None else None)


def make_meter(limit: RateLimitSettings, shared: RedisTokenBuckets | None) -> Meter | None:
    """Lets callers in as often as they may; None where there is no limit."""
    if limit.per_second is None:
        return None
    policy = _policy(limit)
    return Meter(shared if shared is not None else TokenBuckets(policy), policy)


def _policy(limit: RateLimitSettings) -> RatePolicy:
    if limit.per_second is None:
        raise ValueError("There is no limit.")
    return RatePolicy(limit.per_second, limit.burst)

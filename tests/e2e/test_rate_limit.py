"""How often one caller may ask, seen from outside."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import attrs
import pytest

from app.adapters.config.secret import Dsn
from app.adapters.redis.settings import RateLimitSettings, WithoutRedis
from app.container import Container
from app.entrypoints.app import create_app
from app.entrypoints.http.cors import Cors, CorsRules
from app.entrypoints.http.rate_limit import Meter, RatePolicy, TokenBuckets
from app.entrypoints.http.swagger import DOCUMENT
from tests.e2e.service import Client, running, settings_in
from tests.e2e.stand_in import TOKENS, StandIn, stand_in
from tests.servers.kinds import Server

POLICY = RatePolicy(per_second=0.01, burst=5)
"""So slow that no bucket gains anything during a test."""


@pytest.fixture
async def service() -> AsyncIterator[StandIn]:
    async with stand_in(meter=Meter(TokenBuckets(POLICY), POLICY)) as running:
        yield running


def token(subject: str, *scopes: str) -> str:
    return TOKENS.issue(subject, scopes, 60)


async def statuses(client: Client, path: str, count: int) -> list[int]:
    return [(await client.get(path)).status for _ in range(count)]


async def test_who_asks_too_often_is_told_so_and_when_to_come_back(service: StandIn) -> None:
    assert await statuses(service.client, "/time", 5) == [200] * 5
    refused = await service.client.get("/time")
    assert (refused.status, refused.code) == (429, "TOO_MANY_REQUESTS")
    assert refused.headers["RateLimit"] == '"default";r=0;t=500'
    assert refused.headers["RateLimit-Policy"] == '"default";q=5;w=500'
    assert refused.headers["Retry-After"] == "100"


async def test_who_is_let_in_is_told_what_is_left(service: StandIn) -> None:
    answer = await service.client.get("/time")
    assert answer.headers["RateLimit"] == '"default";r=4;t=100'
    assert answer.headers["RateLimit-Policy"] == '"default";q=5;w=500'


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/time?unknown=1", 422), ("GET", "/nowhere", 404), ("DELETE", "/time", 405), ("GET", "/closed", 401)],
)
async def test_errors_tell_what_is_left_too(service: StandIn, method: str, path: str, status: int) -> None:
    answer = await service.client.send(method, path)
    assert (answer.status, answer.headers.get("RateLimit")) == (status, '"default";r=4;t=100')


async def test_preflights_cost_nothing() -> None:
    cors = Cors(CorsRules(("https://a.example",), ("GET",), ("Authorization",)))
    asking = {"Origin": "https://a.example", "Access-Control-Request-Method": "GET"}
    async with stand_in(meter=Meter(TokenBuckets(POLICY), POLICY), cors=cors) as service:
        asked = [(await service.client.send("OPTIONS", "/time", headers=asking)).status for _ in range(20)]
        assert asked == [204] * 20
        nowhere = [(await service.client.send("OPTIONS", "/nowhere", headers=asking)).status for _ in range(6)]
        assert nowhere == [404] * 5 + [429]


async def test_health_and_metrics_are_always_answered(service: StandIn) -> None:
    for path in ("/health", "/metrics"):
        assert await statuses(service.client, path, 20) == [200] * 20
        assert "RateLimit" not in (await service.client.get(path)).headers


async def test_what_is_not_there_counts_too(service: StandIn) -> None:
    assert await statuses(service.client, "/nowhere", 6) == [404] * 5 + [429]


async def test_callers_with_tokens_count_by_their_subject(service: StandIn) -> None:
    client = service.client
    for subject in ("one", "other"):
        client.token = token(subject, "a")
        assert await statuses(client, "/closed", 6) == [200] * 5 + [429]
        client.token = token(subject, "a", "another token of the same caller")
        assert await statuses(client, "/closed", 1) == [429]


async def test_who_is_not_let_in_counts_by_address_whatever_the_token_says(service: StandIn) -> None:
    client = service.client
    found = []
    for number in range(7):
        client.token = f"forged{number}.a.b"
        found += await statuses(client, "/closed", 1)
    assert found == [401] * 5 + [429] * 2


async def test_a_burst_at_once_is_counted_exactly(service: StandIn) -> None:
    answers = await asyncio.gather(*(service.client.get("/time") for _ in range(50)))
    assert sorted(answer.status for answer in answers) == [200] * 5 + [429] * 45


async def test_two_services_count_together_in_redis(tmp_path: Path, redis_server: Server) -> None:
    limit = RateLimitSettings(per_second=0.01, burst=5, redis=Dsn(redis_server.dsn), redis_timeout=1.0)
    settings = attrs.evolve(settings_in(tmp_path), rate_limit=limit, name=f"test-{tmp_path.name}-{id(limit)}")
    async with running(Container(settings=settings)) as one, running(Container(settings=settings)) as other:
        assert await statuses(one, "/swagger.json", 3) == [200] * 3
        assert await statuses(other, "/swagger.json", 3) == [200, 200, 429]
        assert (await one.get("/health/live")).status == 200


@pytest.mark.parametrize(("without", "expected"), [(WithoutRedis.OPEN, 200), (WithoutRedis.CLOSED, 503)])
async def test_without_redis_the_service_is_open_or_closed_as_it_is_set(
    tmp_path: Path, without: WithoutRedis, expected: int
) -> None:
    limit = RateLimitSettings(per_second=1, redis=Dsn("redis://127.0.0.1:1/0"), without_redis=without)
    settings = attrs.evolve(settings_in(tmp_path), rate_limit=limit)
    async with running(Container(settings=settings)) as client:
        answer = await client.get("/swagger.json")
        assert answer.status == expected
        if expected == 503:
            assert answer.headers["Retry-After"] == "1"
        assert (await client.get("/health/live")).status == 200


@pytest.mark.parametrize("per_second", [None, 20.0])
def test_the_document_tells_of_the_limit_where_there_is_one(tmp_path: Path, per_second: float | None) -> None:
    settings = attrs.evolve(settings_in(tmp_path), rate_limit=RateLimitSettings(per_second=per_second))
    document = json.loads(create_app(Container(settings=settings))[DOCUMENT])
    answers = document["paths"]["/api/v1/posts"]["get"]["responses"]
    assert ("RateLimit" in answers["200"]["headers"]) is (per_second is not None)

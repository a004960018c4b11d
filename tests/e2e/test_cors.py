"""CORS: every answer, errors too, and a preflight for every route; and the headers that every answer has."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import attrs
import pytest

from app.adapters.config.cors_settings import CorsSettings
from app.container import Container
from app.entrypoints.app import create_app
from app.entrypoints.http.admission import Admission
from app.entrypoints.http.body import BodyLimits
from app.entrypoints.http.cors import Cors, CorsRules
from app.entrypoints.http.docs_page import POLICY
from app.entrypoints.http.rate_limit import Meter, RatePolicy, TokenBuckets
from app.entrypoints.http.routing import OPERATIONS
from tests.e2e.service import Answer, Client, running, settings_in
from tests.e2e.stand_in import stand_in

ORIGIN = "https://app.example.org"
ASKING = {"Origin": ORIGIN}
ROUTES = create_app(Container(settings=settings_in(Path("unused"))))[OPERATIONS]
PATHS = sorted({each.path for each in ROUTES})


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    cors = CorsSettings(origins=(ORIGIN, "http://127.0.0.1:3000"), credentials=True)
    async with running(Container(settings=attrs.evolve(settings_in(tmp_path), cors=cors))) as running_client:
        yield running_client


def preflight(method: str, origin: str = ORIGIN) -> dict[str, str]:
    return {"Origin": origin, "Access-Control-Request-Method": method}


def assert_open(answer: Answer) -> None:
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert "X-Request-ID" in answer.headers["Access-Control-Expose-Headers"]
    assert "Origin" in answer.headers["Vary"]


@pytest.mark.parametrize("path", PATHS)
async def test_every_route_answers_preflights(client: Client, path: str) -> None:
    methods = sorted({each.method for each in ROUTES if each.path == path})
    at = re.sub(r"{.*?}", "4711", path.replace("{name}", "init.js"))
    for method in methods:
        answer = await client.send("OPTIONS", at, headers=preflight(method))
        assert (answer.status, answer.body) == (204, b"")
        assert_open(answer)
        allowed = answer.headers["Access-Control-Allow-Methods"].split(", ")
        assert allowed == sorted({*methods, *(["HEAD"] if "GET" in methods else [])})
        assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
        assert answer.headers["Access-Control-Max-Age"] == "600"


async def test_other_origins_are_told_nothing(client: Client) -> None:
    answer = await client.send("OPTIONS", "/health/live", headers=preflight("GET", "https://evil.example.org"))
    assert (answer.status, answer.code) == (403, "ORIGIN_NOT_ALLOWED")
    plain = await client.get("/health/live", headers={"Origin": "https://evil.example.org"})
    for each in (answer, plain):
        assert "Access-Control-Allow-Origin" not in each.headers
        assert "Origin" in each.headers["Vary"]


@pytest.mark.parametrize(
    "origin", ["null", "https://app.example.org.evil.org", "HTTPS://APP.EXAMPLE.ORG", "https://app.example.org/", "*"]
)
async def test_what_only_looks_like_an_origin_that_may_is_none(client: Client, origin: str) -> None:
    assert "Access-Control-Allow-Origin" not in (await client.get("/health/live", headers={"Origin": origin})).headers


async def test_a_preflight_for_what_is_not_there_is_a_404_that_the_page_may_read(client: Client) -> None:
    answer = await client.send("OPTIONS", "/nowhere", headers=preflight("GET"))
    assert answer.status == 404
    assert_open(answer)


async def test_options_without_a_preflight_is_no_method_here(client: Client) -> None:
    assert (await client.send("OPTIONS", "/health/live", headers=ASKING)).status == 405


@pytest.mark.parametrize(
    ("method", "path", "status", "options"),
    [
        ("GET", "/health/live", 200, {}),
        ("GET", "/nowhere", 404, {}),
        ("PATCH", "/api/v1/posts", 405, {}),
        ("DELETE", "/api/v1/posts/1", 401, {}),
        ("GET", "/api/v1/posts?limit=x", 422, {}),
        ("GET", "/api/v1/posts", 503, {"headers": {}}),
        ("GET", "/swagger.json", 400, {"headers": {"X-Request-Timeout": "soon"}}),
    ],
)
async def test_every_answer_may_be_read(
    client: Client, method: str, path: str, status: int, options: dict[str, dict[str, str]]
) -> None:
    headers = {**ASKING, **options.get("headers", {})}
    answer = await client.send(method, path, headers=headers)
    # Without a schema the storage fails; whatever that is, the page may read it.
    assert answer.status == status or (status == 503 and answer.status >= 500)
    assert_open(answer)


async def test_also_413_429_503_and_streams() -> None:
    cors, policy = Cors(CorsRules((ORIGIN,), ("GET",), ())), RatePolicy(0.01, 1)

    def allowed(answer: Answer) -> tuple[int, str | None]:
        return answer.status, answer.headers.get("Access-Control-Allow-Origin")

    async with stand_in(cors=cors, admission=Admission(0)) as service:
        assert allowed(await service.client.get("/time", headers=ASKING)) == (503, ORIGIN)
    async with stand_in(cors=cors, meter=Meter(TokenBuckets(policy), policy)) as service:
        await service.client.get("/time")
        assert allowed(await service.client.get("/time", headers=ASKING)) == (429, ORIGIN)
    async with stand_in(cors=cors, body=BodyLimits(size=10)) as service:
        large = await service.client.send("POST", "/notes", json={"text": "a" * 10}, headers=ASKING)
        assert allowed(large) == (413, ORIGIN)
        assert allowed(await service.client.get("/large", headers=ASKING)) == (200, ORIGIN)


async def test_any_origin_may_where_that_is_set() -> None:
    async with stand_in(cors=Cors(CorsRules(("*",), ("GET",), ()))) as service:
        answer = await service.client.get("/time", headers=ASKING)
        assert (answer.headers["Access-Control-Allow-Origin"], "Vary" in answer.headers) == ("*", False)
        assert (await service.client.send("OPTIONS", "/time", headers=preflight("GET"))).status == 204


async def test_without_origins_there_is_no_cors(anonymous: Client) -> None:
    assert (await anonymous.send("OPTIONS", "/health/live", headers=preflight("GET"))).status == 405
    headers = (await anonymous.get("/health/live", headers=ASKING)).headers
    assert [name for name in headers if name.startswith("Access-Control") or name == "Vary"] == []


@pytest.mark.parametrize("accept", ["application/json", "application/problem+json"])
@pytest.mark.parametrize("path", ["/health/live", "/nowhere", "/api/v1/posts?limit=x"])
async def test_json_may_load_and_run_nothing(anonymous: Client, path: str, accept: str) -> None:
    answer = await anonymous.get(path, headers={"Accept": accept})
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers.get("Cache-Control") == (None if answer.status == 200 else "no-store")


async def test_the_page_has_a_policy_of_its_own_and_only_that(anonymous: Client) -> None:
    page = await anonymous.get("/docs")
    policies = page.headers.getall("Content-Security-Policy")  # type: ignore[attr-defined] # a multidict in truth
    assert policies == [POLICY]
    assert page.headers["X-Content-Type-Options"] == "nosniff"


async def test_no_answer_tells_what_serves_it() -> None:
    async with stand_in() as service:
        for path in ("/time", "/large", "/metrics", "/nowhere", "/closed"):
            answer = await service.client.get(path)
            assert "Server" not in answer.headers
            assert "aiohttp" not in str(answer.headers).lower()
            assert "python" not in str(answer.headers).lower()
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["X-Request-ID"]

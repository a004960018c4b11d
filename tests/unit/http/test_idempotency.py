"""Requests with a key, in the kit alone: what is kept, what is repeated, and what leaves no trace."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import pytest
from aiohttp import web

from app.entrypoints.http.access import public, requires
from app.entrypoints.http.definition import definition, response, response_raw
from app.entrypoints.http.errors import HttpError
from app.entrypoints.http.keyed import KeyedRequest, SentAnswer
from app.entrypoints.http.openapi import ApiInfo, build_openapi
from app.entrypoints.http.reply import Reply
from app.entrypoints.http.routing import OPERATIONS
from app.entrypoints.http.signature import MountError
from tests.unit.http.small_service import a_kit, an_app, serving

CREATED = {"201": response(int, headers={"Location": "Where it is"})}
FAILURES: dict[str, Exception] = {
    "taken": HttpError(409, "TAKEN", "Take another."),
    "busy": HttpError(429, "BUSY", "Slower.", headers={"Retry-After": "1"}),
    "away": NotImplementedError("the storage"),
    "unknown": ZeroDivisionError("of unknown kind"),
}


@attrs.frozen
class Order:
    what: str


class Handlers:
    def __init__(self) -> None:
        self.carried_out = 0

    @definition(path="/orders", methods="POST", access=requires("a"), responses=CREATED, idempotent=True)
    async def order(self, body: Order) -> Reply:
        self.carried_out += 1
        if body.what in FAILURES:
            raise FAILURES[body.what]
        return Reply(self.carried_out, location=f"/orders/{self.carried_out}", etag="1")

    @definition(path="/own/{number}", methods="PUT", access=requires("a"), responses=CREATED, idempotent=True)
    async def own(self, request: web.Request, number: int) -> int:
        assert request.path.endswith(str(number))
        self.carried_out += 1
        return number


@attrs.define
class Kept:
    """Keeps answers in a dictionary."""

    requests: dict[tuple[str, str], str] = attrs.field(factory=dict)
    answers: dict[tuple[str, str], SentAnswer] = attrs.field(factory=dict)

    async def turn(self, request: KeyedRequest) -> "OneTurn | SentAnswer":
        id_ = (request.caller, request.key)
        if self.requests.setdefault(id_, request.fingerprint) != request.fingerprint:
            raise HttpError(422, "REUSED", "Take another key.")
        return self.answers[id_] if id_ in self.answers else OneTurn(self, id_)


@attrs.frozen
class OneTurn:
    kept: Kept
    id: tuple[str, str]

    async def keep(self, make: Callable[[], Awaitable[SentAnswer]]) -> SentAnswer:
        self.kept.answers[self.id] = await make()
        return self.kept.answers[self.id]

    async def give_up(self) -> None:
        del self.kept.requests[self.id]


def sent(key: str | None) -> dict[str, str]:
    headers = {"Authorization": "Bearer a"}
    return headers if key is None else {**headers, "Idempotency-Key": key}


async def test_the_answer_is_repeated_whole_and_says_so() -> None:
    handlers = Handlers()
    async with serving(handlers, kit=a_kit(once=Kept()), base_path="/v1") as client:
        first, second = [await client.post("/v1/orders", json={"what": "tea"}, headers=sent("k")) for _ in range(2)]
        assert handlers.carried_out == 1
        assert (second.status, await second.read()) == (201, await first.read())
        assert second.headers["Location"] == first.headers["Location"] == "/v1/orders/1"
        assert second.headers["ETag"] == first.headers["ETag"] == '"1"'
        assert second.headers["Idempotent-Replayed"] == "true"
        assert "Idempotent-Replayed" not in first.headers
        assert second.headers["X-Request-ID"] != first.headers["X-Request-ID"]


async def test_without_a_key_each_request_is_carried_out() -> None:
    handlers = Handlers()
    async with serving(handlers, kit=a_kit(once=Kept())) as client:
        for _ in range(2):
            assert (await client.post("/orders", json={"what": "tea"}, headers=sent(None))).status == 201
    assert handlers.carried_out == 2


@pytest.mark.parametrize("path", ["/own/1", "/own/2"])
async def test_path_names_and_the_request_reach_the_handler(path: str) -> None:
    async with serving(Handlers(), kit=a_kit(once=Kept())) as client:
        answer = await client.put(path, headers=sent("k"))
        assert (await answer.json())["result"] == int(path[-1])


@pytest.mark.parametrize("change", [{"json": {"what": "tea "}}, {"method": "PUT", "path": "/own/1", "json": None}])
async def test_another_request_with_the_same_key_is_refused(change: dict[str, Any]) -> None:
    async with serving(Handlers(), kit=a_kit(once=Kept())) as client:
        await client.post("/orders", json={"what": "tea"}, headers=sent("k"))
        path, method = change.get("path", "/orders"), change.get("method", "POST")
        answer = await client.request(method, path, json=change["json"], headers=sent("k"))
        assert (answer.status, (await answer.json())["code"]) == (422, "REUSED")


async def test_the_key_belongs_to_its_caller() -> None:
    kept = Kept()
    async with serving(Handlers(), kit=a_kit(once=kept)) as client:
        await client.post("/orders", json={"what": "tea"}, headers=sent("k"))
    assert list(kept.requests) == [("somebody", "k")]


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "ü", "a\tb"])
async def test_a_key_of_another_form_is_refused(key: str) -> None:
    handlers = Handlers()
    async with serving(handlers, kit=a_kit(once=Kept())) as client:
        answer = await client.post("/orders", json={"what": "tea"}, headers=sent(key))
        body = await answer.json()
        assert (answer.status, body["code"]) == (400, "INVALID_IDEMPOTENCY_KEY")
        assert body["errors"][0]["field_name"] == "Idempotency-Key"
    assert handlers.carried_out == 0


async def test_two_keys_are_refused() -> None:
    async with serving(Handlers(), kit=a_kit(once=Kept())) as client:
        headers = [*sent("one").items(), ("Idempotency-Key", "two")]
        assert (await client.post("/orders", json={"what": "tea"}, headers=headers)).status == 400


@pytest.mark.parametrize("body", [{"what": 1}, {}, []])
async def test_a_request_that_is_not_acceptable_leaves_no_trace(body: object) -> None:
    kept = Kept()
    async with serving(Handlers(), kit=a_kit(once=kept)) as client:
        assert (await client.post("/orders", json=body, headers=sent("k"))).status == 422
        assert (await client.post("/orders", json={"what": "tea"}, headers=sent("k"))).status == 201


async def test_a_refusal_is_kept_as_well() -> None:
    handlers = Handlers()
    async with serving(handlers, kit=a_kit(once=Kept())) as client:
        answers = [await client.post("/orders", json={"what": "taken"}, headers=sent("k")) for _ in range(2)]
        assert [answer.status for answer in answers] == [409, 409]
        assert await answers[1].read() == await answers[0].read()
        assert answers[1].headers["Idempotent-Replayed"] == "true"
    assert handlers.carried_out == 1


@pytest.mark.parametrize(("what", "status"), [("away", 503), ("unknown", 500), ("busy", 429)])
async def test_what_may_pass_is_not_kept_and_the_key_is_free_again(what: str, status: int) -> None:
    handlers, kept = Handlers(), Kept()
    async with serving(handlers, kit=a_kit(once=kept)) as client:
        for _ in range(2):
            answer = await client.post("/orders", json={"what": what}, headers=sent("k"))
            assert (answer.status, "Idempotent-Replayed" in answer.headers) == (status, False)
    assert (handlers.carried_out, kept.requests) == (2, {})


async def test_a_request_that_is_cut_off_leaves_its_key_to_time_and_not_to_the_next() -> None:
    class Slow:
        @definition(path="/slow", methods="POST", access=requires("a"), responses=CREATED, idempotent=True)
        async def slow(self) -> int:
            await asyncio.sleep(30)
            return 1

    kept = Kept()
    async with serving(Slow(), kit=a_kit(once=kept, request_timeout=0.1)) as client:
        assert (await client.post("/slow", headers=sent("k"))).status == 504
    assert list(kept.requests) == [("somebody", "k")]


def test_the_key_is_documented() -> None:
    app = an_app(Handlers(), kit=a_kit(once=Kept()))
    operations = app[OPERATIONS]
    document = build_openapi(operations, ApiInfo("t", "1"))
    operation = document["paths"]["/orders"]["post"]
    assert operation["parameters"] == [{"$ref": "#/components/parameters/IdempotencyKey"}]
    assert document["components"]["parameters"]["IdempotencyKey"]["name"] == "Idempotency-Key"
    assert "Retry-After" in operation["responses"]["4XX"]["headers"]
    assert "Idempotent-Replayed" in operation["responses"]["201"]["headers"]


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"access": public, "methods": "POST", "responses": CREATED}, "known callers"),
        ({"access": requires("a"), "methods": "GET", "responses": CREATED}, "changes something"),
        ({"access": requires("a"), "methods": "POST", "responses": {"200": response_raw("text/plain")}}, "own"),
    ],
)
def test_a_route_that_keys_would_not_protect_is_not_mounted(options: dict[str, Any], fault: str) -> None:
    class Wrong:
        @definition(path="/wrong", idempotent=True, **options)
        async def wrong(self) -> int:
            return 1

    with pytest.raises(MountError, match=fault):
        an_app(Wrong(), kit=a_kit(once=Kept()))


def test_a_kit_that_keeps_nothing_mounts_no_such_route() -> None:
    with pytest.raises(MountError, match="once"):
        an_app(Handlers())

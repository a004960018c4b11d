"""Who may call what: default deny, tokens, and the matrix of every route and caller."""

import itertools
import re
from pathlib import Path

import pytest

from app.container import Container
from app.entrypoints.app import create_app
from app.entrypoints.http.access import requires
from app.entrypoints.http.definition import definition, response
from app.entrypoints.http.routing import OPERATIONS, setup_routes
from app.entrypoints.http.signature import MountError, Operation
from tests.e2e.service import Client, a_token, settings_in

ROUTES = create_app(Container(settings=settings_in(Path("unused"))))[OPERATIONS]
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE")
BY_ROUTE = {(each.path, each.method): each for each in ROUTES}
SCOPES = {scope for each in ROUTES if each.definition.access for scope in each.definition.access.scopes or ()}
GOOD = a_token("other", *sorted(SCOPES))
CALLERS = {
    "nobody": None,
    "a broken token": GOOD[:-6] + "AAAAAA",
    "another scope": a_token("posts:read", "posts", "write", "posts:write2"),
    "the right scope": GOOD,
}


def operation_at(path: str, method: str) -> Operation | None:
    return BY_ROUTE.get((path, "GET" if method == "HEAD" else method))


def refusal(operation: Operation, caller: str) -> int | None:
    """The refusal that this caller meets, or None when it is let in."""
    access = operation.definition.access
    assert access is not None
    if access.is_public or caller == "the right scope":
        return None
    return 403 if caller == "another scope" else 401


@pytest.mark.parametrize("caller", CALLERS)
async def test_every_route_and_method_lets_in_whom_it_declares(anonymous: Client, caller: str) -> None:
    anonymous.token = CALLERS[caller]
    wrong = []
    for path, method in itertools.product(sorted({each.path for each in ROUTES}), METHODS):
        at = re.sub(r"{.*?}", "4711", path.replace("{name}", "init.js"))
        status = (await anonymous.send(method, at)).status
        operation = operation_at(path, method)
        expected = refusal(operation, caller) if operation is not None else 405
        if (status in (401, 403, 405) or expected is not None) and status != expected:
            wrong.append((caller, method, path, status, expected))
    assert wrong == []


def test_some_routes_are_not_public() -> None:
    closed = {f"{each.method} {each.path}" for each in ROUTES if refusal(each, "nobody")}
    assert closed >= {"POST /api/v1/posts", "PUT /api/v1/posts/{post_id}", "DELETE /api/v1/posts/{post_id}"}


async def test_who_has_no_token_is_challenged(anonymous: Client) -> None:
    answer = await anonymous.delete("/api/v1/posts/1")
    assert (answer.status, answer.code, answer.headers["WWW-Authenticate"]) == (401, "UNAUTHORIZED", "Bearer")


async def test_a_token_that_is_not_valid_is_challenged_without_a_reason(anonymous: Client) -> None:
    anonymous.token = a_token("posts:write")[:-4] + "AAAA"
    answer = await anonymous.delete("/api/v1/posts/1")
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, 'Bearer error="invalid_token"')


async def test_a_token_without_the_scope_is_told_which_one(anonymous: Client) -> None:
    anonymous.token = a_token("posts:read")
    answer = await anonymous.delete("/api/v1/posts/1")
    assert answer.status == 403
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="insufficient_scope", scope="posts:write"'


async def test_access_is_checked_before_the_body_is_read(anonymous: Client) -> None:
    answer = await anonymous.send("POST", "/api/v1/posts", data=b"{", headers={"Content-Type": "application/json"})
    assert answer.status == 401


class Undeclared:
    """A handler that forgot to say who may call it."""

    @definition(path="/open", responses={"200": response(str)})
    async def call(self) -> str:
        """Answer anybody."""
        return "hello"


def test_a_route_that_does_not_say_who_may_call_it_is_not_mounted(tmp_path: Path) -> None:
    container = Container(settings=settings_in(tmp_path))
    with pytest.raises(MountError, match="GET /open: say who may call it"):
        setup_routes(create_app(container), container.kit(), [Undeclared()])


def test_requires_nothing_in_particular_still_requires_a_token() -> None:
    assert not requires().is_public

"""Who may call what: default deny, tokens, and the matrix of every route and caller."""

import itertools
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
SCOPES = {scope for each in ROUTES if each.definition.access for scope in each.definition.access.scopes or ()}
CALLERS = {"nobody": None, "a reader": a_token("posts:read"), "a writer": a_token("other", *sorted(SCOPES))}


def expected(operation: Operation, caller: str) -> int | None:
    """The refusal that this caller meets, or None when it is let in."""
    access = operation.definition.access
    assert access is not None
    if access.is_public or caller == "a writer":
        return None
    return 401 if caller == "nobody" else 403


@pytest.mark.parametrize(
    ("operation", "caller"),
    list(itertools.product(ROUTES, CALLERS)),
    ids=lambda value: f"{value.method} {value.path}" if isinstance(value, Operation) else value,
)
async def test_every_route_lets_in_whom_it_declares(anonymous: Client, operation: Operation, caller: str) -> None:
    anonymous.token = CALLERS[caller]
    path = operation.path.replace("{post_id}", "4711").replace("{name}", "init.js")
    answer = await anonymous.send(operation.method, path)
    refused = expected(operation, caller)
    if refused is None:
        assert answer.status not in (401, 403)
    else:
        assert answer.status == refused


def test_some_routes_are_not_public() -> None:
    closed = {f"{each.method} {each.path}" for each in ROUTES if expected(each, "nobody")}
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

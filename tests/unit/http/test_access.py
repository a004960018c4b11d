"""Who is let in, and what the others are told."""

from typing import Any

import pytest

from app.entrypoints.http.access import Caller, identify, public, requires
from app.entrypoints.http.errors import HttpError
from tests.unit.http.small_service import FakeTokens

WRITE = requires("posts:write")


async def refusal(headers: dict[str, str], access: Any = WRITE) -> HttpError:
    with pytest.raises(HttpError) as refused:
        await identify(access, headers, FakeTokens())
    return refused.value


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_a_good_token_names_its_caller(scheme: str) -> None:
    caller = await identify(WRITE, {"Authorization": f"{scheme} posts:write,x"}, FakeTokens())
    assert caller == Caller("somebody", frozenset({"posts:write", "x"}))


@pytest.mark.parametrize(
    "headers",
    [{}, *({"Authorization": value} for value in ("", "Bearer", "Bearer ", "posts:write", "Basic posts:write"))],
)
async def test_without_a_token_nobody_is_let_in(headers: dict[str, str]) -> None:
    error = await refusal(headers)
    assert (error.status, error.headers) == (401, {"WWW-Authenticate": "Bearer"})


async def test_a_bad_token_is_not_told_why() -> None:
    error = await refusal({"Authorization": "Bearer bad"})
    assert (error.status, error.headers) == (401, {"WWW-Authenticate": 'Bearer error="invalid_token"'})
    assert "bad" not in error.message


async def test_all_of_the_scopes_are_needed_and_the_missing_ones_told() -> None:
    error = await refusal({"Authorization": "Bearer b"}, requires("c", "b", "a"))
    assert (error.status, error.message) == (403, "Get a token with the scope: a c.")
    assert error.headers["WWW-Authenticate"] == 'Bearer error="insufficient_scope", scope="a c"'


async def test_where_no_scope_is_named_any_good_token_will_do() -> None:
    assert (await identify(requires(), {"Authorization": "Bearer x"}, FakeTokens())).subject == "somebody"
    assert (await refusal({}, requires())).status == 401


def test_public_is_public_and_nothing_else_is() -> None:
    assert public.is_public
    assert not requires().is_public

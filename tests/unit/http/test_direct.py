"""Usual requests are answered without the router, and exactly as it would have them answered."""

from pathlib import Path
from typing import Any

import attrs
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from app.entrypoints.http.access import public
from app.entrypoints.http.definition import definition, response, response_raw
from app.entrypoints.http.direct import DIRECT, PATH_VALUES, path_values
from app.entrypoints.http.routing import setup_routes
from tests.unit.http.small_service import a_kit, an_app


@attrs.frozen
class Told:
    """Which handler answered."""

    by: str


def a_route(path: str, name: str, method: str = "GET") -> Any:
    """A group of one route without parameters; its answer names it."""

    class Group:
        @definition(path=path, methods=method, access=public, responses={"200": response(Told)}, operation_id=name)
        async def answer(self) -> Told:
            """Answer."""
            return Told(name)

    return Group()


class Shops:
    """Routes with parameters."""

    @definition(path="/shops/{shop}", access=public, responses={"200": response(Told)})
    async def shop(self, shop: str) -> Told:
        """Answer."""
        return Told(shop)

    @definition(path="/shops/{shop}/items/{item}", access=public, responses={"200": response(Told)})
    async def item(self, shop: str, item: int) -> Told:
        """Answer."""
        return Told(f"{shop} {item}")

    @definition(path="/shops/{shop}/items/{item}", methods="PUT", access=public, responses={"200": response(Told)})
    async def put_item(self, shop: str, item: int) -> Told:
        """Answer."""
        return Told(f"{shop} {item}")


class Others:
    """Routes that the router leads to."""

    @definition(path="/taking", access=public, responses={"200": response(Told)})
    async def taking(self, request: web.Request) -> Told:
        """Answer."""
        return Told(request.path)

    @definition(path="/making", access=public, responses={"200": response_raw("text/plain", "Text")})
    async def making(self) -> web.StreamResponse:
        """Answer."""
        return web.Response(text="made")

    @definition(path="/either", access=public, responses={"200": response(Told)})
    async def either(self) -> Told | web.Response:
        """Answer."""
        return web.Response(text="made")

    @definition(path="/shops/own/items/{item}", access=public, responses={"200": response(Told)})
    async def own_item(self, item: int) -> Told:
        """Answer."""
        return Told(str(item))


ALL = (a_route("/plain", "plain"), a_route("/plain", "posted", "POST"), a_route("/shops", "shops"), Shops(), Others())
PATHS = [
    "/plain", "/plain/", "//plain", "/Plain", "/pl%61in", "/plain?a=1", "/shops", "/shops/", "/shops/a", "/shops/a%2Fb",
    "/shops/%61", "/shops/ä", "/shops/..", "/shops/{a}", "/shops/a/items/1", "/shops/a/items/01", "/shops/a/items/-1",
    "/shops/a/items/x", "/shops/a/items/", "/shops//items/1", "/shops/a/items/" + "9" * 19,
    "/shops/a/items/" + "9" * 20, "/shops/a/items/\u0661", "/shops/own/items/1",
    "/shops/a/items/1/more", "/taking", "/making", "/either", "/nowhere",
    "*", "/",
]  # fmt: skip
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "STRANGE"]


@pytest.mark.parametrize("path", PATHS)
async def test_what_is_found_is_what_the_router_finds(path: str) -> None:
    app = an_app(*ALL)
    for method in METHODS:
        request = make_mocked_request(method, path)
        found = app[DIRECT].find(request)
        if found is not None:
            match = await app.router.resolve(request)
            assert match.handler is found
            assert dict(match) == dict(request.get(PATH_VALUES, {}))


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/plain"), ("HEAD", "/plain"), ("POST", "/plain"), ("GET", "/shops/a"), ("PUT", "/shops/a/items/1")],
)
def test_usual_requests_are_found(method: str, path: str) -> None:
    assert an_app(*ALL)[DIRECT].find(make_mocked_request(method, path)) is not None


@pytest.mark.parametrize("path", ["/taking", "/making", "/either", "/shops/own/items/1", "/shops/a%2Fb", "/nowhere"])
def test_what_only_the_router_can_do_is_left_to_it(path: str) -> None:
    assert an_app(*ALL)[DIRECT].find(make_mocked_request("GET", path)) is None


def test_who_waits_to_send_a_body_is_left_to_the_router() -> None:
    request = make_mocked_request("POST", "/plain", headers={"Expect": "100-continue"})
    assert an_app(*ALL)[DIRECT].find(request) is None


def test_parameters_are_the_same_whoever_found_the_route() -> None:
    request = make_mocked_request("GET", "/shops/a/items/7")
    an_app(*ALL)[DIRECT].find(request)
    assert path_values(request) == {"shop": "a", "item": "7"}


def test_it_agrees_with_an_application_of_its_own_routes() -> None:
    app = an_app(*ALL)
    assert app[DIRECT].agrees_with(app)


def with_routes() -> web.Application:
    """The routes alone: what answers all the rest comes last."""
    app = web.Application()
    setup_routes(app, a_kit(), ALL)
    return app


@web.middleware
async def a_middleware(request: web.Request, handler: Any) -> web.StreamResponse:
    response: web.StreamResponse = await handler(request)
    return response


async def a_handler(request: web.Request) -> web.Response:
    return web.Response()


def with_middleware(app: web.Application) -> None:
    app.middlewares.append(a_middleware)


def with_path_below_a_template(app: web.Application) -> None:
    app.router.add_get("/shops/special", a_handler)


def with_template(app: web.Application) -> None:
    app.router.add_get("/{anything}", a_handler)


def with_application_below(app: web.Application) -> None:
    app.add_subapp("/below", web.Application())


def with_folder(app: web.Application) -> None:
    app.router.add_static("/files", Path(__file__).parent)


@pytest.mark.parametrize(
    "add", [with_middleware, with_path_below_a_template, with_template, with_application_below, with_folder]
)
def test_it_disagrees_where_something_else_has_a_say(add: Any) -> None:
    app = with_routes()
    add(app)
    assert not app[DIRECT].agrees_with(app)


def test_another_path_that_no_template_fits_is_no_matter() -> None:
    app = with_routes()
    app.router.add_get("/elsewhere", a_handler)
    assert app[DIRECT].agrees_with(app)

"""A path leads to the same resource whether ten routes are mounted beside it or a thousand."""

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from app.entrypoints.http.route_index import FEW, resource_at

MANY = [f"/shop/{{shop}}/kind{number}" for number in range(FEW * 10)]


async def answer(request: web.Request) -> web.Response:
    return web.Response()


def app_of(*paths: str) -> web.Application:
    """An application that answers a GET of each path, in this order."""
    app = web.Application()
    for path in paths:
        resource_at(app, path).add_route("GET", answer)
    return app


async def matched(app: web.Application, path: str, method: str = "GET") -> tuple[str | None, dict[str, str]]:
    """The template that a path leads to, and its parameters."""
    found = await app.router.resolve(make_mocked_request(method, path))
    resource = found.route.resource
    return (resource.canonical if resource is not None else None), dict(found)


@pytest.mark.parametrize("others", [[], MANY], ids=["few", "many"])
class TestBesideOthers:
    async def test_a_path_leads_to_its_route_with_its_parameters(self, others: list[str]) -> None:
        app = app_of(*others, "/shop/{shop}/items/{item:[0-9]{1,19}}")
        assert await matched(app, "/shop/a/items/7") == ("/shop/{shop}/items/{item}", {"shop": "a", "item": "7"})

    async def test_a_parameter_that_does_not_fit_leads_nowhere(self, others: list[str]) -> None:
        app = app_of(*others, "/shop/{shop}/items/{item:[0-9]{1,19}}")
        assert (await matched(app, "/shop/a/items/x"))[0] is None
        assert (await matched(app, "/shop/a/items/7/more"))[0] is None
        assert (await matched(app, "/shop/a/items"))[0] is None

    async def test_an_escaped_slash_stays_inside_its_parameter(self, others: list[str]) -> None:
        app = app_of(*others, "/shop/{shop}/items")
        assert await matched(app, "/shop/a%2Fb%25/items") == ("/shop/{shop}/items", {"shop": "a/b%"})

    async def test_a_segment_may_be_a_parameter_in_part(self, others: list[str]) -> None:
        app = app_of(*others, "/shop/{shop}/{file}.json")
        assert (await matched(app, "/shop/a/b.json"))[1] == {"shop": "a", "file": "b"}

    async def test_methods_of_one_path_share_a_resource_that_tells_which_it_allows(self, others: list[str]) -> None:
        app = app_of(*others, "/shop/{shop}/items")
        resource_at(app, "/shop/{shop}/items").add_route("PUT", answer)
        assert (await matched(app, "/shop/a/items", "PUT"))[0] == "/shop/{shop}/items"
        with pytest.raises(web.HTTPMethodNotAllowed) as refused:
            refusal = await app.router.resolve(make_mocked_request("DELETE", "/shop/a/items"))
            await refusal.handler(make_mocked_request("DELETE", "/shop/a/items"))
        assert refused.value.allowed_methods == {"GET", "PUT"}

    async def test_a_subapplication_answers_below_its_prefix(self, others: list[str]) -> None:
        app = web.Application()
        app.add_subapp("/v2", app_of(*others, "/shop/{shop}/items"))
        assert (await matched(app, "/v2/shop/a/items"))[0] == "/v2/shop/{shop}/items"
        assert (await matched(app, "/shop/a/items"))[0] is None


async def test_a_name_goes_before_a_parameter_however_late_it_was_mounted() -> None:
    app = app_of(*MANY, "/shop/{shop}/{kind}", "/shop/{shop}/special")
    assert (await matched(app, "/shop/a/special"))[0] == "/shop/{shop}/special"
    assert (await matched(app, "/shop/a/other"))[0] == "/shop/{shop}/{kind}"


async def test_where_a_name_does_not_allow_the_method_a_parameter_may() -> None:
    app = app_of(*MANY, "/shop/{shop}/special")
    resource_at(app, "/shop/{shop}/{kind}").add_route("PUT", answer)
    assert (await matched(app, "/shop/a/special", "PUT"))[0] == "/shop/{shop}/{kind}"


async def test_a_path_asks_only_the_resources_that_it_may_lead_to(monkeypatch: pytest.MonkeyPatch) -> None:
    app, asked = app_of(*MANY), []
    resolve = web.DynamicResource.resolve

    async def noted(resource: web.DynamicResource, request: web.Request) -> object:
        asked.append(resource.canonical)
        return await resolve(resource, request)

    monkeypatch.setattr(web.DynamicResource, "resolve", noted)
    await matched(app, "/shop/a/kind7")
    assert asked == ["/shop/{shop}/kind7"]

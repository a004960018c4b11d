"""The document and its page: served from memory, from here alone, and as they were vendored."""

import hashlib
from importlib.resources import files

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from app.entrypoints.http import docs_page
from app.entrypoints.http.access import public
from app.entrypoints.http.definition import definition, response
from app.entrypoints.http.docs_page import docs_assets
from app.entrypoints.http.openapi import ApiInfo
from app.entrypoints.http.routing import setup_routes
from app.entrypoints.http.swagger import DOCUMENT, setup_swagger
from tests.unit.http.small_service import a_kit

FOLDER = files(docs_page.__package__) / "swagger_ui"


class Handlers:
    @definition(path="/mine", access=public, responses={"200": response(str)})
    async def mine(self) -> str:
        """Show mine."""
        return "mine"


def documented() -> web.Application:
    app, kit = web.Application(), a_kit()
    setup_routes(app, kit, [Handlers()])
    setup_swagger(app, kit, ApiInfo("Mine", "1.0"))
    return app


async def test_the_document_tells_of_what_is_mounted_and_not_of_itself() -> None:
    app = documented()
    async with TestClient(TestServer(app)) as client:
        answer = await client.get("/swagger.json")
        assert await answer.read() == app[DOCUMENT]
        assert list((await answer.json())["paths"]) == ["/mine"]


async def test_the_page_loads_the_document() -> None:
    async with TestClient(TestServer(documented())) as client:
        page = await (await client.get("/docs")).text()
    assert 'data-document="/swagger.json"' in page
    assert "{{" not in page


@pytest.mark.parametrize("name", sorted(docs_assets("/")))
async def test_every_file_is_served_until_the_caller_has_it(name: str) -> None:
    async with TestClient(TestServer(documented())) as client:
        answer = await client.get(f"/docs/{name}")
        assert (answer.status, answer.headers["X-Content-Type-Options"]) == (200, "nosniff")
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        known = {"If-None-Match": f'W/{answer.headers["ETag"]}, "other"'}
        assert (await client.get(f"/docs/{name}", headers=known)).status == 304
        assert (await client.get(f"/docs/{name}", headers={"If-None-Match": '"other"'})).status == 200


@pytest.mark.parametrize("name", ["LICENSE", "SHA256SUMS", "..%2Fdocs_page.py", "__init__.py", "nothing.js"])
async def test_no_other_file_is_served(name: str) -> None:
    async with TestClient(TestServer(documented())) as client:
        assert (await client.get(f"/docs/{name}")).status == 404


def test_vendored_files_are_what_their_digests_say() -> None:
    lines = (FOLDER / "SHA256SUMS").read_text().splitlines()
    digests = {name: digest for digest, name in (line.split() for line in lines)}
    assert set(digests) == {"swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"}
    assert {name: hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() for name in digests} == digests


def test_what_is_ours_on_the_page_needs_no_inline_script() -> None:
    page = (FOLDER / "index.html").read_text()
    assert "<script>" not in page
    assert "onload" not in page

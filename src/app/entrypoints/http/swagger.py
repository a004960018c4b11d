"""The documentation of a mounted API: its OpenAPI document, and a page to read it and to try it out."""

from collections.abc import Mapping

import msgspec
from aiohttp import web

from app.entrypoints.http.access import public
from app.entrypoints.http.definition import definition, response_raw
from app.entrypoints.http.docs_page import Asset, docs_assets
from app.entrypoints.http.endpoint import HttpKit
from app.entrypoints.http.errors import not_found
from app.entrypoints.http.openapi import ApiInfo, build_openapi
from app.entrypoints.http.response import EncodedResponse
from app.entrypoints.http.routing import OPERATIONS, setup_routes

DOCUMENT_PATH = "/swagger.json"
PAGE_PATH = "/docs"
DOCUMENT: web.AppKey[bytes] = web.AppKey("openapi document", bytes)


def setup_swagger(app: web.Application, kit: HttpKit, info: ApiInfo) -> None:
    """Serve the document of all that is mounted so far at /swagger.json, and the page for it at /docs."""
    operations = app[OPERATIONS]
    app[DOCUMENT] = msgspec.json.encode(build_openapi(operations, info))
    setup_routes(app, kit, [SwaggerHandlers(app[DOCUMENT], docs_assets(DOCUMENT_PATH))])


class SwaggerHandlers:
    """Serves the document and the page; both were made at start."""

    def __init__(self, document: bytes, assets: Mapping[str, Asset]) -> None:
        self._document = document
        self._assets = assets

    @definition(
        path=DOCUMENT_PATH,
        access=public,
        tags=["operations"],
        responses={"200": response_raw("application/json", "The OpenAPI 3.1 document")},
        access_logged=False,
    )
    async def swagger_json(self) -> web.StreamResponse:
        """Show this document."""
        return EncodedResponse(200, self._document)

    @definition(
        path=PAGE_PATH,
        access=public,
        tags=["operations"],
        responses={"200": response_raw("text/html", "A page to read the documentation and to try it out")},
        access_logged=False,
    )
    async def docs(self, request: web.Request) -> web.StreamResponse:
        """Show the documentation page."""
        return self._asset(request, "index.html")

    @definition(
        path=PAGE_PATH + "/{name}",
        access=public,
        tags=["operations"],
        responses={"200": response_raw("application/octet-stream", "A file of the documentation page")},
        access_logged=False,
    )
    async def docs_asset(self, request: web.Request, name: str) -> web.StreamResponse:
        """Show a file of the documentation page."""
        return self._asset(request, name)

    def _asset(self, request: web.Request, name: str) -> web.StreamResponse:
        asset = self._assets.get(name)
        if asset is None:
            raise not_found()
        if asset.etag in request.headers.get("If-None-Match", ""):
            return EncodedResponse(304, b"", headers_block=asset.headers_block)
        return EncodedResponse(200, asset.body, asset.content_type, asset.headers_block)

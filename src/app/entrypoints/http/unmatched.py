"""What no route serves, answered like everything else: 404, or 405 with the methods that the path allows.

Preflights are among it: no route has the method OPTIONS.
"""

from collections.abc import Iterator
from typing import Any

from aiohttp import web
from aiohttp.web_urldispatcher import AbstractResource, ResourceRoute, UrlMappingMatchInfo
from yarl import URL

from app.entrypoints.http.endpoint import LIMIT_LINES, HttpKit, served
from app.entrypoints.http.errors import HttpError, not_found
from app.entrypoints.http.metrics import UNMATCHED


class Unmatched(AbstractResource):
    """The router's last resource: it matches everything, even `OPTIONS *`, which no path pattern can."""

    def __init__(self, router: web.UrlDispatcher, kit: HttpKit) -> None:
        super().__init__()
        self._router = router
        self._cors = kit.cors
        self._meter = kit.meter
        answer = served(self._answer, kit, "GET", UNMATCHED)
        self._route = ResourceRoute("*", answer, self, expect_handler=_ignore)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        allowed: set[str] = set()
        for resource in self._router.resources():
            if resource is not self:
                allowed |= (await resource.resolve(request))[1]
        if allowed and self._cors is not None and self._cors.asks(request):
            # The browser asks, not the page: it costs the page nothing of what it may ask.
            return self._cors.preflight(request, allowed)
        if self._meter is not None:
            request[LIMIT_LINES] = await self._meter.admit_address(request)
        if not allowed:
            raise not_found()
        methods = ", ".join(sorted(allowed))
        raise HttpError(405, "METHOD_NOT_ALLOWED", f"This path allows {methods}.", headers={"Allow": methods})

    @property
    def canonical(self) -> str:
        return "/"

    async def resolve(self, request: web.Request) -> tuple[UrlMappingMatchInfo, set[str]]:
        return UrlMappingMatchInfo({}, self._route), set()

    def raw_match(self, path: str) -> bool:
        return True

    def url_for(self, **kwargs: str) -> URL:
        raise TypeError("What is unmatched has no URL.")

    def add_prefix(self, prefix: str) -> None:
        """It serves the whole host, whatever the prefix."""

    def get_info(self) -> Any:
        return {"path": "unmatched"}

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[ResourceRoute]:
        return iter((self._route,))


async def _ignore(request: web.Request) -> None:
    """An Expect header changes nothing about a path that isn't there."""

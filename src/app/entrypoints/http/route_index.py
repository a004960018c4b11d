"""Finds the resource of a path by its segments, so that a thousand routes cost what ten do.

aiohttp's router tries all resources one by one that are the same up to their first parameter, which for an API of the
shape `/api/{tenant}/…` are all of them.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from aiohttp import web
from aiohttp.web_urldispatcher import AbstractResource, Resource, UrlMappingMatchInfo
from yarl import URL

from app.entrypoints.http.segments import Segments

FEW = 4
"""So many resources are tried faster than one is looked for."""


class RouteIndex(AbstractResource):
    """A resource of the router that holds all those which begin with `prefix` and go on with a parameter.

    Each decides by itself whether it matches. No parameter spans several segments.
    """

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self._prefix = prefix
        self._templates: Segments[Resource] = Segments()
        self._resources: dict[str, Resource] = {}

    def at(self, path: str) -> Resource:
        """The resource of this path, in the router's form; a new one, or the one that other methods have already."""
        resource = self._resources.get(path)
        if resource is None:
            resource = self._resources[path] = web.DynamicResource(path)
            self._templates.add(resource.canonical, resource)
        return resource

    async def resolve(self, request: web.Request) -> tuple[UrlMappingMatchInfo | None, set[str]]:
        allowed: set[str] = set()
        if len(self._resources) <= FEW:
            candidates: Iterable[Resource] = self._resources.values()
        else:
            candidates = self._templates.candidates(request.rel_url.path_safe.split("/"))
        for resource in candidates:
            match, methods = await resource.resolve(request)
            if match is not None:
                return match, methods
            allowed |= methods
        return None, allowed

    @property
    def canonical(self) -> str:
        return self._prefix + "{…}"

    def add_prefix(self, prefix: str) -> None:
        self._prefix, self._templates = prefix + self._prefix, Segments()
        for resource in self._resources.values():
            resource.add_prefix(prefix)
            self._templates.add(resource.canonical, resource)

    def raw_match(self, path: str) -> bool:
        return False

    def url_for(self, **kwargs: str) -> URL:
        raise TypeError("Many paths have no URL: ask the resource of a route for its.")

    def freeze(self) -> None:
        for resource in self._resources.values():
            resource.freeze()

    def get_info(self) -> Any:
        return {"formatter": self.canonical}

    def __len__(self) -> int:
        return sum(map(len, self._resources.values()))

    def __iter__(self) -> Iterator[web.AbstractRoute]:
        return (route for resource in self._resources.values() for route in resource)


_INDEXES: web.AppKey[dict[str, RouteIndex]] = web.AppKey("route indexes", dict)


def resource_at(app: web.Application, path: str) -> Resource:
    """The resource of this path (in the router's form) in an application, made where there is none yet."""
    if "{" not in path:
        return app.router.add_resource(path)
    prefix = path.partition("{")[0]
    indexes: dict[str, RouteIndex] = app.setdefault(_INDEXES, {})
    if prefix not in indexes:
        indexes[prefix] = RouteIndex(prefix)
        app.router.register_resource(indexes[prefix])
    return indexes[prefix].at(path)

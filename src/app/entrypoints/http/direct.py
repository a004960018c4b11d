"""Requests that need no router: a path in its usual form leads to its endpoint by one or two look-ups.

aiohttp's router tries one resource after the other and makes a match for each request, which costs more than many a
handler. What is unusual in any way is left to it: escapes in the path, an Expect header, handlers that take the
request or make the response themselves, templates that several routes may fit, and every path that no route has.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import get_args, get_type_hints

import attrs
from aiohttp import web
from aiohttp.web_urldispatcher import PrefixedSubAppResource
from multidict import istr

from app.entrypoints.http.segments import Segments, is_plain
from app.entrypoints.http.signature import Operation

Endpoint = Callable[[web.Request], Awaitable[web.StreamResponse]]

PATH_VALUES: web.RequestKey[Mapping[str, str]] = web.RequestKey("path values", Mapping)
"""The parameters of a path that was found here; the router's are in `match_info`."""

_EXPECT = istr("Expect")
_INTEGER_DIGITS = 19


@attrs.frozen
class _Parameter:
    place: int
    name: str
    is_integer: bool

    def fits(self, text: str) -> bool:
        return bool(text) and (not self.is_integer or (text.isdecimal() and len(text) <= _INTEGER_DIGITS))


@attrs.frozen
class _Template:
    """A path with parameters; without an endpoint the router decides."""

    endpoint: Endpoint | None
    parameters: tuple[_Parameter, ...]

    def values(self, segments: list[str]) -> dict[str, str] | None:
        """The parameters, in a path that has as many segments as the template; None where one doesn't fit."""
        found = {}
        for parameter in self.parameters:
            text = segments[parameter.place]
            if not parameter.fits(text):
                return None
            found[parameter.name] = text
        return found


class DirectRoutes:
    """The endpoints of an application's operations."""

    def __init__(self) -> None:
        self._plain: dict[str, dict[str, Endpoint | None]] = {}
        self._templates: dict[str, Segments[_Template]] = {}

    def add(self, operation: Operation, endpoint: Endpoint) -> None:
        """Lead requests of this operation, and HEAD beside GET, to its endpoint."""
        for method in ("GET", "HEAD") if operation.method == "GET" else (operation.method,):
            if "{" in operation.path:
                templates = self._templates.setdefault(method, Segments())
                templates.add(operation.path, _template(operation, endpoint))
            else:
                found = None if _needs_router(operation) else endpoint
                self._plain.setdefault(method, {})[operation.path] = found

    def find(self, request: web.Request) -> Endpoint | None:
        """The endpoint of a request, which then has its PATH_VALUES; None where the router must decide."""
        path, method, headers = request.rel_url.raw_path, request.method, request.headers
        if _EXPECT in headers:
            return None
        plain = self._plain.get(method)
        if plain is not None and path in plain:
            return plain[path]
        templates = self._templates.get(method)
        if templates is None or "%" in path:
            return None
        segments = path.split("/")
        template = templates.only(segments)
        if template is None or template.endpoint is None:
            return None
        values = template.values(segments)
        if values is None:
            return None
        request[PATH_VALUES] = values
        return template.endpoint

    def agrees_with(self, app: web.Application) -> bool:
        """Whether nothing else in the application has a say in where these requests go, nor in how they are answered.

        That is: no middleware, no application below it, no folder, and no other path that fits a template.
        """
        others = [resource for resource in app.router.resources() if not self._knows(resource)]
        return not app.middlewares and not any(map(self._may_differ, others))

    def _knows(self, resource: web.AbstractResource) -> bool:
        return any(resource.canonical in paths for paths in self._plain.values())

    def _may_differ(self, resource: web.AbstractResource) -> bool:
        if isinstance(resource, web.PlainResource):
            segments = resource.canonical.split("/")
            return any(
                template.values(segments) is not None
                for templates in self._templates.values()
                for template in templates.candidates(segments)
            )
        return isinstance(resource, web.DynamicResource | web.StaticResource | PrefixedSubAppResource)


DIRECT: web.AppKey[DirectRoutes] = web.AppKey("direct routes", DirectRoutes)


def path_values(request: web.Request) -> Mapping[str, str]:
    """The parameters of the request's path, whoever found its endpoint."""
    try:
        return request[PATH_VALUES]
    except KeyError:
        return request.match_info


def _template(operation: Operation, endpoint: Endpoint) -> _Template:
    parameters, types = [], operation.signature.path
    for place, segment in enumerate(operation.path.split("/")):
        name = segment[1:-1]
        if segment == f"{{{name}}}" and name in types:
            parameters.append(_Parameter(place, name, types[name] is int))
        elif not is_plain(segment):
            return _Template(None, ())
    return _Template(None if _needs_router(operation) else endpoint, tuple(parameters))


def _needs_router(operation: Operation) -> bool:
    """Whether the handler sees what the router makes, or answers with what aiohttp prepares with it."""
    made = get_type_hints(operation.handler).get("return", web.StreamResponse)
    makes_response = any(
        isinstance(each, type) and issubclass(each, web.StreamResponse) for each in (made, *get_args(made))
    )
    return makes_response or operation.signature.takes_request

"""Which pages of other origins may read answers: the CORS protocol of the Fetch standard. Its lines are made once."""

from collections.abc import Iterable

import attrs
from aiohttp import web

from app.entrypoints.http.errors import HttpError
from app.entrypoints.http.response import EncodedResponse, header_line

ANY = "*"
_PREFLIGHT_VARY = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"


@attrs.frozen
class CorsRules:
    """Origins as browsers send them (`https://example.org`), or `*`; header and method names; seconds to remember."""

    origins: tuple[str, ...]
    methods: tuple[str, ...]
    headers: tuple[str, ...]
    exposed_headers: tuple[str, ...] = ()
    credentials: bool = False
    max_age: int = 600


class Cors:
    """Gives every answer, errors too, the headers that the caller's origin needs, and answers preflights."""

    def __init__(self, rules: CorsRules) -> None:
        self._rules = rules
        self._takes_any = ANY in rules.origins
        self._others = "" if self._takes_any else header_line("Vary", "Origin")
        self._lines = {origin: self._answer_lines(origin) for origin in rules.origins}

    def lines(self, origin: str | None) -> str:
        """The header lines of an answer to `origin`, which is None where the caller names none."""
        if self._takes_any:
            return self._lines[ANY]
        return self._lines.get(origin, self._others) if origin is not None else self._others

    def asks(self, request: web.Request) -> bool:
        """Whether this is a preflight: a browser asking what a page may send."""
        headers = request.headers
        return request.method == "OPTIONS" and "Origin" in headers and "Access-Control-Request-Method" in headers

    def preflight(self, request: web.Request, allowed: Iterable[str]) -> EncodedResponse:
        """What may be sent to a path that allows these methods. Raises HttpError 403 for an origin that may not."""
        if not self._takes_any and request.headers["Origin"] not in self._lines:
            raise HttpError(403, "ORIGIN_NOT_ALLOWED", "Pages of this origin may not call this service.")
        methods = sorted(set(allowed).intersection(self._rules.methods))
        lines = header_line("Access-Control-Allow-Methods", ", ".join(methods))
        lines += header_line("Access-Control-Allow-Headers", ", ".join(self._rules.headers))
        lines += header_line("Access-Control-Max-Age", str(self._rules.max_age))
        if not self._takes_any:
            lines += header_line("Vary", _PREFLIGHT_VARY)
        return EncodedResponse(204, b"", headers_block=lines)

    def _answer_lines(self, origin: str) -> str:
        lines = header_line("Access-Control-Allow-Origin", origin) + self._others
        if self._rules.credentials:
            lines += header_line("Access-Control-Allow-Credentials", "true")
        if self._rules.exposed_headers:
            lines += header_line("Access-Control-Expose-Headers", ", ".join(self._rules.exposed_headers))
        return lines

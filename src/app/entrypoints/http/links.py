"""Web links (RFC 8288) from one page of a list to the others."""

from aiohttp import web

from app.entrypoints.http.envelope import PageLike
from app.entrypoints.http.response import header_line

_POSITION = ("offset=", "cursor=", "limit=")


def link_header(request: web.Request, page: PageLike) -> str:
    """The Link header line of a page, empty when there is nowhere to go. The rest of the query is kept as it came."""
    url = request.rel_url
    kept = [part for part in url.raw_query_string.split("&") if part and not part.startswith(_POSITION)]
    here = f"<{url.raw_path}?{'&'.join(kept)}{'&' if kept else ''}limit={page.limit}"
    offset, total = page.offset, page.total
    if offset is None or total is None:
        links = _by_cursor(here, page.next_cursor)
    else:
        links = _by_offset(here, page.limit, offset, total)
    return header_line("Link", links[2:]) if links else ""


def _by_cursor(here: str, next_cursor: str | None) -> str:
    first = f', {here}>; rel="first"'
    return f'{first}, {here}&cursor={next_cursor}>; rel="next"' if next_cursor is not None else first


def _by_offset(here: str, limit: int, offset: int, total: int) -> str:
    links = ""
    if offset > 0:
        before = offset - limit
        if before >= total:
            before = (total - 1) // limit * limit  # the last page that has something on it
        links = f', {here}&offset=0>; rel="first", {here}&offset={max(0, before)}>; rel="prev"'
    if offset + limit < total:
        last = offset + (total - 1 - offset) // limit * limit
        links += f', {here}&offset={offset + limit}>; rel="next", {here}&offset={last}>; rel="last"'
    return links

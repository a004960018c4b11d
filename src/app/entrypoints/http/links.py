"""Web links (RFC 8288) from one page of a list to the others."""

from aiohttp import web

from app.entrypoints.http.envelope import PageLike
from app.entrypoints.http.response import header_line

_POSITION = ("offset=", "cursor=", "limit=")


def link_header(request: web.Request, page: PageLike) -> str:
    """The Link header line of a page, empty when there is nowhere to go. The rest of the query is kept as it came."""
    links = (
        _by_offset(page, page.offset, page.total)
        if page.offset is not None and page.total is not None
        else _by_cursor(page)
    )
    if not links:
        return ""
    kept = [part for part in request.rel_url.raw_query_string.split("&") if part and not part.startswith(_POSITION)]
    prefix = f"{request.rel_url.raw_path}?{''.join(part + '&' for part in kept)}limit={page.limit}"
    return header_line("Link", ", ".join(f'<{prefix}{position}>; rel="{rel}"' for rel, position in links))


def _by_cursor(page: PageLike) -> list[tuple[str, str]]:
    links = [("first", "")]
    if page.next_cursor is not None:
        links.append(("next", f"&cursor={page.next_cursor}"))
    return links


def _by_offset(page: PageLike, offset: int, total: int) -> list[tuple[str, str]]:
    links = []
    if offset > 0:
        links += [("first", "&offset=0"), ("prev", f"&offset={max(0, offset - page.limit)}")]
    if offset + page.limit < total:
        last = offset + (total - 1 - offset) // page.limit * page.limit
        links += [("next", f"&offset={offset + page.limit}"), ("last", f"&offset={last}")]
    return links

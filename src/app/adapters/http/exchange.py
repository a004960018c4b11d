"""One request and its answer over the wire; the answer is not trusted to be small, nor to lead to the right place."""

import contextlib
from collections.abc import Iterator, Mapping

import aiohttp
import attrs
from yarl import URL

from app.adapters.http.errors import UnusableAnswer, UpstreamUnreachable

REDIRECTS = frozenset({301, 302, 303, 307, 308})
MOST_REDIRECTS = 3
CHUNK = 64 * 1024


@attrs.frozen
class Outgoing:
    """What is sent, and to whom: `name` is the upstream's in messages and logs."""

    name: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None


@attrs.frozen
class Incoming:
    """What came back. `body` is None when it was larger than it may be."""

    status: int
    content_type: str
    retry_after: str | None
    body: bytes | None


async def exchange(
    session: aiohttp.ClientSession, outgoing: Outgoing, body_limit: int, times: aiohttp.ClientTimeout
) -> Incoming:
    """Send it once and read the answer; a GET follows redirects, but never to another host.

    Raises UpstreamUnreachable when the connection cannot be made or breaks, UnusableAnswer for a bad redirect.
    """
    # Quoted by parameters.py already.
    url = URL(outgoing.url, encoded=True)
    with _translated(outgoing.name):
        for _ in range(1 + MOST_REDIRECTS):
            response = await session.request(
                outgoing.method,
                url,
                data=outgoing.body,
                headers=outgoing.headers,
                allow_redirects=False,
                timeout=times,
            )
            try:
                if response.status not in REDIRECTS:
                    return await _read(response, body_limit)
                url = _redirected(outgoing, url, response.headers.get("Location", ""))
            finally:
                # Where the body was read to its end, the connection is back in the pool already, and stays open.
                response.close()
    raise UnusableAnswer(_UNUSABLE.format(outgoing.name), "it redirects in a circle")


_UNUSABLE = "{} gave no usable answer. Try again later."


async def _read(response: aiohttp.ClientResponse, limit: int) -> Incoming:
    body = await _body(response, limit)
    return Incoming(response.status, response.content_type, response.headers.get("Retry-After"), body)


async def _body(response: aiohttp.ClientResponse, limit: int) -> bytes | None:
    if (response.content_length or 0) > limit:
        return None
    body = bytearray()
    async for chunk in response.content.iter_chunked(CHUNK):
        body += chunk
        if len(body) > limit:
            return None
    return bytes(body)


def _redirected(outgoing: Outgoing, url: URL, location: str) -> URL:
    try:
        target = url.join(URL(location))
        is_here = bool(location) and target.origin() == url.origin()
    except ValueError:
        is_here, target = False, url
    if outgoing.method != "GET" or not is_here:
        # Whom the upstream names is nobody that we were told to trust: it might be a metadata service of the cloud.
        raise UnusableAnswer(_UNUSABLE.format(outgoing.name), f"it redirects to {target.host or 'nowhere'}")
    return target


async def sent_once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Client middleware: aiohttp repeats idempotent requests when a kept connection breaks, out of anyone's count.

    It does so only for its own errors, so they leave here as another one.
    """
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise ConnectionBroken(f"{type(error).__name__}: {error}") from error


class ConnectionBroken(Exception):
    """The connection broke before the head of an answer was there."""


@contextlib.contextmanager
def _translated(name: str) -> Iterator[None]:
    try:
        yield
    except ConnectionBroken as error:
        raise _unreachable(name, str(error)) from error
    except (aiohttp.ClientError, OSError) as error:
        raise _unreachable(name, f"{type(error).__name__}: {error}") from error


def _unreachable(name: str, detail: str) -> UpstreamUnreachable:
    return UpstreamUnreachable(f"{name} does not answer. Try again later.", detail)

"""Tokens checked with the public keys that their issuer publishes (RFC 7517)."""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
import attrs
import jwt

from app.entrypoints.http.access import Caller, InvalidToken
from app.entrypoints.http.errors import HttpError
from app.entrypoints.http.tokens import TokenRules, inspect

logger = logging.getLogger(__name__)

FETCH_TIMEOUT = 2.0
MAX_KEYS_SIZE = 256 * 1024
MAX_AGE = 600.0
MIN_INTERVAL = 10.0

# What a key may verify is fixed by the key, never by the token that names it.
_ALGORITHMS = {"RSA": ("RS256",), "P-256": ("ES256",), "P-384": ("ES384",), "Ed25519": ("EdDSA",)}
_PUBLIC_ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)


@attrs.frozen
class PublicKey:
    """A key and the algorithms that it is for."""

    key: Any
    algorithms: tuple[str, ...]


class JwksTokens:
    """Verifies tokens with keys from a URL, fetched when a token needs them: at the first, when they are ten minutes
    old, and when a token names an unknown one, but at most once in ten seconds. A resource.
    """

    def __init__(self, url: str, rules: TokenRules, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._rules = rules
        self._clock = clock
        self._keys: Mapping[str | None, PublicKey] = {}
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._fetching = asyncio.Lock()
        self._middlewares: tuple[aiohttp.ClientMiddlewareType, ...] = ()
        self._session: aiohttp.ClientSession | None = None

    def pass_through(self, middleware: aiohttp.ClientMiddlewareType) -> None:
        """Fetch through `middleware`; to be said before this is opened."""
        self._middlewares += (middleware,)

    async def open(self) -> None:
        """Fetch the keys; an issuer that is away now doesn't keep the service from starting."""
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=FETCH_TIMEOUT), middlewares=self._middlewares
        )
        await self._refresh()

    async def close(self) -> None:
        """Give the connections back."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def verify(self, token: str) -> Caller:
        """Who the token was issued to; raises InvalidToken, or HttpError 503 when there are no keys to check with."""
        name = inspect(token).get("kid")
        key = await self._key(name if isinstance(name, str) else None)
        return self._rules.check(token, key.key, key.algorithms)

    async def _key(self, name: str | None) -> PublicKey:
        is_old = self._fetched_at is None or self._clock() - self._fetched_at > MAX_AGE
        if is_old or self._find(name) is None:
            await self._refresh()
        found = self._find(name)
        if found is not None:
            return found
        if self._fetched_at is None:
            raise HttpError(
                503, "KEYS_UNAVAILABLE", "Tokens cannot be checked now. Try again later.", headers={"Retry-After": "5"}
            )
        raise InvalidToken("The token names no known key.")

    def _find(self, name: str | None) -> PublicKey | None:
        if name is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(name)

    async def _refresh(self) -> None:
        """Fetch the keys, unless that was tried just now; those known stay when it fails."""
        async with self._fetching:
            if self._tried_at is not None and self._clock() - self._tried_at < MIN_INTERVAL:
                return
            self._tried_at = self._clock()
            try:
                self._keys = _public_keys(await self._fetch())
                self._fetched_at = self._clock()
            except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                logger.warning("Could not fetch the keys of tokens: %s", error)

    async def _fetch(self) -> bytes:
        if self._session is None:
            raise ValueError("not opened")
        async with self._session.get(self._url, allow_redirects=False) as answer:
            if answer.status != 200:
                raise ValueError(f"the issuer answered {answer.status}")
            body = bytearray()
            async for chunk in answer.content.iter_chunked(16 * 1024):
                body += chunk
                if len(body) > MAX_KEYS_SIZE:
                    raise ValueError("the issuer sent too much")
            return bytes(body)


def _public_keys(document: bytes) -> dict[str | None, PublicKey]:
    """The keys for signatures, by id; symmetric ones and those that can't be read are left out. Raises ValueError."""
    try:
        listed = json.loads(document)["keys"]
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError("the issuer sent no keys") from error
    found: dict[str | None, PublicKey] = {}
    for data in listed if isinstance(listed, list) else ():
        algorithms = _algorithms(data) if isinstance(data, dict) else None
        if algorithms is None:
            continue
        try:
            found[data.get("kid")] = PublicKey(jwt.PyJWK(data, algorithms[0]).key, algorithms)
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            logger.warning("A key of the issuer cannot be used: %s", type(error).__name__)
    return found


def _algorithms(data: dict[str, Any]) -> tuple[str, ...] | None:
    if data.get("use", "sig") != "sig":
        return None
    named = data.get("alg")
    if named is not None:
        return (named,) if named in _PUBLIC_ALGORITHMS else None
    return _ALGORITHMS.get(str(data.get("crv") if data.get("kty") != "RSA" else "RSA"))

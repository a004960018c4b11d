"""Bearer tokens: JWTs (RFC 7519) checked with a shared secret or with the public keys of an issuer."""

import json
import time
from collections.abc import Iterable
from typing import Any

import attrs
import jwt

from app.entrypoints.http.access import Caller, InvalidToken

MAX_TOKEN = 8 * 1024
SECRET_BYTES = 32
CLAIMS = ("exp", "iat", "sub", "aud", "iss")
KEPT = 1000
"""Tokens that were found good and are known again."""

_LATEST = 2**53
_UNKNOWN: tuple[Caller | None, float] = (None, 0.0)


@attrs.frozen
class TokenRules:
    """What every token must say: who issued it and for whom. Clocks may differ by `leeway` seconds."""

    issuer: str
    audience: str
    leeway: float = 30.0

    def check(self, token: str, key: Any, algorithms: Iterable[str]) -> Caller:
        """The caller that a token names. Raises InvalidToken unless `key` signed it and all claims are right."""
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=list(algorithms),
                audience=self.audience,
                issuer=self.issuer,
                leeway=self.leeway,
                options={"require": list(CLAIMS), "verify_sub": False},
            )
        except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise InvalidToken(str(error)) from error
        return _caller(claims)


class SecretTokens:
    """Tokens signed with a secret of at least 32 bytes (HS256). A resource with nothing to open."""

    def __init__(self, secret: str, rules: TokenRules) -> None:
        if len(secret.encode()) < SECRET_BYTES:
            raise ValueError(f"A secret for HS256 has at least {SECRET_BYTES} bytes.")
        self._key = secret.encode()
        self._rules = rules
        self._good: dict[str, tuple[Caller, float]] = {}

    async def open(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do."""

    async def verify(self, token: str) -> Caller:
        """Who the token was issued to; raises InvalidToken.

        A token is checked once: nothing but the time can make a good one bad. The next calls cost a look-up.
        """
        caller, until = self._good.get(token, _UNKNOWN)
        if caller is None or until <= time.time():
            inspect(token)
            caller = self._rules.check(token, self._key, ("HS256",))
            if len(self._good) >= KEPT:
                del self._good[next(iter(self._good))]
            self._good[token] = caller, _object(token.split(".")[1])["exp"] + self._rules.leeway
        return caller

    def issue(self, subject: str, scopes: Iterable[str], lifetime: int) -> str:
        """A token for `lifetime` seconds."""
        now = int(time.time())
        claims = {
            "sub": subject,
            "scope": " ".join(scopes),
            "iss": self._rules.issuer,
            "aud": self._rules.audience,
            "iat": now,
            "exp": now + lifetime,
        }
        return jwt.encode(claims, self._key, algorithm="HS256")


def inspect(token: str) -> dict[str, Any]:
    """The header of a token that is worth checking. Raises InvalidToken for one that can't be read in only one way.

    Refused are tokens of over 8 KiB, claims or header fields that are given twice, and critical extensions
    (RFC 7515, section 4.1.11), none of which are known here.
    """
    if len(token) > MAX_TOKEN or not token.isascii():
        raise InvalidToken("The token is too long, or not ASCII.")
    parts = token.split(".")
    if len(parts) != 3:
        raise InvalidToken("The token has not three parts.")
    header, _ = _object(parts[0]), _object(parts[1])
    if "crit" in header or header.get("b64", True) is not True:
        raise InvalidToken("The token needs extensions that are unknown here.")
    return header


def _object(part: str) -> dict[str, Any]:
    try:
        value = json.loads(jwt.utils.base64url_decode(part), object_pairs_hook=_unique, parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        raise InvalidToken("A part of the token is no JSON.") from error
    if not isinstance(value, dict):
        raise InvalidToken("A part of the token is no object.")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise InvalidToken("The token says something twice.")
    return found


def _refused(name: str) -> Any:
    raise ValueError(f"{name} is no JSON.")


def _caller(claims: dict[str, Any]) -> Caller:
    for name in ("exp", "iat", "nbf"):
        value = claims.get(name, 0)
        if type(value) not in (int, float) or not 0 <= value < _LATEST:
            raise InvalidToken(f"{name} is no time.")
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise InvalidToken("sub is no name.")
    scope = claims.get("scope", "")
    if isinstance(scope, str):
        return Caller(subject, frozenset(scope.split()))
    if isinstance(scope, list) and all(isinstance(each, str) for each in scope):
        return Caller(subject, frozenset(scope))
    raise InvalidToken("scope is no list of scopes.")

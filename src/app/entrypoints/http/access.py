"""Who may call a route: declared on every one, checked before anything of the request is read."""

from collections.abc import Mapping
from typing import Protocol

import attrs

from app.entrypoints.http.errors import HttpError


@attrs.frozen
class Caller:
    """Who a request comes from, as its token says."""

    subject: str
    scopes: frozenset[str]


@attrs.frozen
class Access:
    """What a caller needs: nothing (`public`), or a valid token with all of these scopes."""

    scopes: frozenset[str] | None

    @property
    def is_public(self) -> bool:
        return self.scopes is None


public = Access(None)


def requires(*scopes: str) -> Access:
    """Only callers whose token has all of `scopes`; with none named, any caller with a valid token."""
    return Access(frozenset(scopes))


class TokenVerifier(Protocol):
    """Tells whether a bearer token is good."""

    async def verify(self, token: str) -> Caller:
        """Who the token was issued to; raises InvalidToken, or HttpError 503 when the keys cannot be had."""
        ...


class InvalidToken(Exception):
    """The token is no proof of anything; why is for the log, not for the caller."""


def _unauthorized(error: str | None, message: str) -> HttpError:
    """401 with the challenge of RFC 6750, section 3."""
    challenge = f'Bearer error="{error}"' if error else "Bearer"
    return HttpError(401, "UNAUTHORIZED", message, headers={"WWW-Authenticate": challenge})


async def identify(access: Access, headers: Mapping[str, str], verifier: TokenVerifier) -> Caller:
    """The caller of a route that is not public. Raises HttpError: 401 without a good token, 403 without the scopes."""
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    if not token or scheme.lower() != "bearer":
        raise _unauthorized(None, "Send a bearer token in the Authorization header.")
    try:
        caller = await verifier.verify(token.strip())
    except InvalidToken as error:
        raise _unauthorized("invalid_token", "Get a new token: this one is not valid.") from error
    missing = sorted((access.scopes or frozenset()) - caller.scopes)
    if missing:
        raise _forbidden(missing)
    return caller


def _forbidden(missing: list[str]) -> HttpError:
    scopes = " ".join(missing)
    return HttpError(
        403,
        "FORBIDDEN",
        f"Get a token with the scope: {scopes}.",
        headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scopes}"'},
    )

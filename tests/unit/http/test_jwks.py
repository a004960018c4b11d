"""Public keys from an issuer: fetched rarely, kept when it is away, and never used for what they are not for."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from app.entrypoints.http.access import InvalidToken
from app.entrypoints.http.errors import HttpError
from app.entrypoints.http.jwks import MAX_AGE, MAX_KEYS_SIZE, MIN_INTERVAL, JwksTokens
from app.entrypoints.http.tokens import TokenRules

RULES = TokenRules("issuer", "audience")
RSA = rsa.generate_private_key(65537, 2048)
OTHER_RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
SIGNERS: dict[str, tuple[Any, Any]] = {
    "RS256": (RSA, jwt.algorithms.RSAAlgorithm),
    "ES256": (EC, jwt.algorithms.ECAlgorithm),
    "EdDSA": (ED, jwt.algorithms.OKPAlgorithm),
}


def public(algorithm: str, kid: str, key: Any = None, **other: Any) -> dict[str, Any]:
    private, maker = SIGNERS[algorithm]
    data: dict[str, Any] = maker.to_jwk((key or private).public_key(), as_dict=True)
    return {**data, "kid": kid, "use": "sig", **other}


def token(algorithm: str = "RS256", kid: str | None = "one", key: Any = None) -> str:
    now = int(time.time())
    claims = {"sub": "someone", "iss": "issuer", "aud": "audience", "iat": now, "exp": now + 60}
    return jwt.encode(claims, key or SIGNERS[algorithm][0], algorithm, headers={"kid": kid} if kid else None)


@attrs.define
class Issuer:
    """Answers with its keys, and counts how often it is asked."""

    keys: list[dict[str, Any]] = attrs.field(factory=lambda: [public("RS256", "one")])
    body: bytes | None = None
    status: int = 200
    delay: float = 0
    asked: int = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        await asyncio.sleep(self.delay)
        headers = {"Location": "/elsewhere"} if self.status == 302 else {}
        return web.Response(status=self.status, body=self.body or json.dumps({"keys": self.keys}), headers=headers)


@attrs.define
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def tokens_of(issuer: Issuer, clock: Clock | None = None) -> AsyncIterator[JwksTokens]:
    app = web.Application()
    app.router.add_get("/keys", issuer.answer)
    async with TestServer(app) as server:
        tokens = JwksTokens(str(server.make_url("/keys")), RULES, clock or Clock())
        await tokens.open()
        try:
            yield tokens
        finally:
            await tokens.close()


@pytest.mark.parametrize("algorithm", SIGNERS)
async def test_a_token_is_checked_with_the_key_that_it_names(algorithm: str) -> None:
    issuer = Issuer([public(algorithm, "one"), public("RS256", "two", OTHER_RSA)])
    async with tokens_of(issuer) as tokens:
        assert (await tokens.verify(token(algorithm))).subject == "someone"
        with pytest.raises(InvalidToken):
            await tokens.verify(token(algorithm, "two"))


async def test_many_tokens_need_one_fetch() -> None:
    issuer = Issuer()
    async with tokens_of(issuer) as tokens:
        await asyncio.gather(*(tokens.verify(token()) for _ in range(20)))
    assert issuer.asked == 1


async def test_a_new_key_is_fetched_when_a_token_names_it() -> None:
    issuer, clock = Issuer(), Clock()
    async with tokens_of(issuer, clock) as tokens:
        issuer.keys.append(public("RS256", "two", OTHER_RSA))
        clock.now += MIN_INTERVAL
        await tokens.verify(token(kid="two", key=OTHER_RSA))
    assert issuer.asked == 2


async def test_a_flood_of_unknown_keys_is_no_flood_of_fetches() -> None:
    issuer, clock = Issuer(), Clock()
    async with tokens_of(issuer, clock) as tokens:
        clock.now += MIN_INTERVAL
        for number in range(50):
            with pytest.raises(InvalidToken):
                await tokens.verify(token(kid=f"unknown {number}"))
    assert issuer.asked == 2


async def test_old_keys_are_fetched_again_and_a_removed_one_is_gone() -> None:
    issuer, clock = Issuer(), Clock()
    async with tokens_of(issuer, clock) as tokens:
        issuer.keys = [public("RS256", "two", OTHER_RSA)]
        await tokens.verify(token())
        clock.now += MAX_AGE + 1
        with pytest.raises(InvalidToken):
            await tokens.verify(token())


@pytest.mark.parametrize(
    "broken",
    [
        {"status": 500},
        {"status": 302},
        {"body": b"<html>"},
        {"body": b"{}"},
        {"body": b"[]"},
        {"body": b"\xff"},
        {"body": b" " * (MAX_KEYS_SIZE + 1)},
        {"body": b"[" * 100_000},
    ],
    ids=["500", "302", "HTML", "no keys", "a list", "no UTF-8", "too much", "deep"],
)
async def test_known_keys_stay_when_the_issuer_is_broken(broken: dict[str, Any]) -> None:
    issuer, clock = Issuer(), Clock()
    async with tokens_of(issuer, clock) as tokens:
        for name, value in broken.items():
            setattr(issuer, name, value)
        clock.now += MAX_AGE + 1
        assert (await tokens.verify(token())).subject == "someone"
    assert issuer.asked == 2


async def test_without_any_keys_a_token_cannot_be_checked() -> None:
    async with tokens_of(Issuer(status=500)) as tokens:
        with pytest.raises(HttpError) as refused:
            await tokens.verify(token())
    assert (refused.value.status, refused.value.code) == (503, "KEYS_UNAVAILABLE")
    assert "Retry-After" in refused.value.headers


async def test_a_slow_issuer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.entrypoints.http.jwks.FETCH_TIMEOUT", 0.1)
    async with asyncio.timeout(5):
        async with tokens_of(Issuer(delay=1)) as tokens:
            with pytest.raises(HttpError):
                await tokens.verify(token())


async def test_a_token_without_a_name_fits_an_only_key() -> None:
    async with tokens_of(Issuer()) as tokens:
        await tokens.verify(token(kid=None))
    async with tokens_of(Issuer([public("RS256", "one"), public("ES256", "two")])) as tokens:
        with pytest.raises(InvalidToken):
            await tokens.verify(token(kid=None))


async def test_a_public_key_is_no_secret() -> None:
    pem = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    start = ".".join(
        base64.urlsafe_b64encode(part).decode().rstrip("=")
        for part in (b'{"alg":"HS256","kid":"one"}', base64.urlsafe_b64decode(token().split(".")[1] + "=="))
    )
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(start.encode(), pem)
    async with tokens_of(Issuer()) as tokens:
        with pytest.raises(InvalidToken):
            await tokens.verify(f"{start}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}")


@pytest.mark.parametrize(
    "key",
    [
        {"kty": "oct", "k": "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IQ", "kid": "one"},
        public("RS256", "one", use="enc"),
        public("RS256", "one", alg="HS256"),
        public("RS256", "one", alg="none"),
        {"kty": "RSA", "kid": "one"},
        "text",
        None,
    ],
    ids=["symmetric", "for encryption", "HS256", "none", "incomplete", "text", "null"],
)
async def test_a_key_that_is_not_for_signatures_is_left_out(key: Any) -> None:
    async with tokens_of(Issuer([key, public("ES256", "two")])) as tokens:
        with pytest.raises(InvalidToken):
            await tokens.verify(token())
        await tokens.verify(token("ES256", "two"))

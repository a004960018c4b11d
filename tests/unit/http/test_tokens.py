"""Only tokens that this service issued, whole and in time, prove anything."""

import asyncio
import base64
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from app.entrypoints.http.access import Caller, InvalidToken
from app.entrypoints.http.tokens import MAX_TOKEN, SecretTokens, TokenRules

SECRET = "a secret of sixty-four bytes or more, which is what HS512 asks for as well"
RULES = TokenRules("issuer", "audience")
TOKENS = SecretTokens(SECRET, RULES)


def claims(**changes: Any) -> dict[str, Any]:
    """Good claims with these changes; None leaves a claim out."""
    now = int(time.time())
    made = {
        "sub": "someone",
        "scope": "a b",
        "iss": "issuer",
        "aud": "audience",
        "iat": now,
        "exp": now + 60,
        **changes,
    }
    return {name: value for name, value in made.items() if value is not None}


def signed(payload: object, key: Any = SECRET, algorithm: str = "HS256", **header: Any) -> str:
    return jwt.encode(payload, key, algorithm, headers=header)  # type: ignore[arg-type]


def by_hand(header: str | dict[str, Any], payload: str | dict[str, Any], key: str = SECRET) -> str:
    """A token of any texts, with a right signature."""
    parts = [text if isinstance(text, str) else json.dumps(text) for text in (header, payload)]
    start = ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(start.encode(), key.encode())
    return f"{start}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


HEADER = {"alg": "HS256", "typ": "JWT"}


async def test_a_token_names_its_caller() -> None:
    token = TOKENS.issue("someone", ["posts:write", "other"], 60)
    assert await TOKENS.verify(token) == Caller("someone", frozenset({"posts:write", "other"}))


@pytest.mark.parametrize("scope", ["a b", ["a", "b"], " a  b "])
async def test_scopes_are_text_or_a_list(scope: object) -> None:
    assert (await TOKENS.verify(signed(claims(scope=scope)))).scopes == {"a", "b"}


async def test_clocks_may_differ_by_the_leeway() -> None:
    now = int(time.time())
    await TOKENS.verify(signed(claims(exp=now - 20)))
    await TOKENS.verify(signed(claims(iat=now + 20)))


NOW = int(time.time())
WRONG_CLAIMS: list[dict[str, Any]] = [
    {"exp": None},
    {"iat": None},
    {"sub": None},
    {"aud": None},
    {"iss": None},
    {"exp": NOW - 60},
    {"exp": "soon"},
    {"exp": str(NOW + 60)},
    {"exp": True},
    {"exp": -1},
    {"exp": 10**30},
    {"exp": [NOW + 60]},
    {"exp": {}},
    {"iat": NOW + 3600},
    {"iat": "now"},
    {"iat": -1},
    {"nbf": NOW + 3600},
    {"nbf": "later"},
    {"sub": ""},
    {"sub": 1},
    {"sub": ["a"]},
    {"sub": "a" * 256},
    {"aud": "another"},
    {"aud": []},
    {"aud": 1},
    {"aud": ["another"]},
    {"iss": "another"},
    {"iss": ["issuer"]},
    {"iss": 1},
    {"scope": 1},
    {"scope": {"a": 1}},
    {"scope": [1]},
]


@pytest.mark.parametrize("changes", WRONG_CLAIMS, ids=lambda changes: next(iter(changes)))  # no time in a name
async def test_claims_that_are_not_right_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidToken):
        await TOKENS.verify(by_hand(HEADER, claims(**changes)))


PUBLIC_PEM = (
    rsa.generate_private_key(65537, 2048)
    .public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode()
)
GOOD = json.dumps(claims(exp=NOW + 10_000))
FORGED: dict[str, str] = {
    "no algorithm": by_hand({"alg": "none"}, GOOD).rpartition(".")[0] + ".",
    "no algorithm, signed": by_hand({"alg": "none"}, GOOD),
    "None": by_hand({"alg": "None"}, GOOD),
    "NONE": by_hand({"alg": "NONE"}, GOOD),
    "no alg": by_hand({"typ": "JWT"}, GOOD),
    "alg is null": by_hand({"alg": None}, GOOD),
    "alg is a list": by_hand({"alg": ["HS256"]}, GOOD),
    "another HMAC": signed(json.loads(GOOD), algorithm="HS512"),
    "another key": by_hand(HEADER, GOOD, "another secret of at least 32 bytes"),
    "the key of somebody's RSA": by_hand(HEADER, GOOD, PUBLIC_PEM),
    "an empty key": by_hand(HEADER, GOOD, ""),
    "critical": by_hand({**HEADER, "crit": ["exp"]}, GOOD),
    "critical, empty": by_hand({**HEADER, "crit": []}, GOOD),
    "not encoded": by_hand({**HEADER, "b64": False}, GOOD),
    "a claim twice": by_hand(HEADER, GOOD[:-1] + ', "sub": "admin"}'),
    "a header twice": by_hand('{"alg": "HS256", "alg": "none"}', GOOD),
    "NaN": by_hand(HEADER, GOOD[:-1].replace(str(NOW + 10_000), "NaN") + "}"),
    "infinite": by_hand(HEADER, GOOD.replace(str(NOW + 10_000), "Infinity")),
    "1e400": by_hand(HEADER, GOOD.replace(str(NOW + 10_000), "1e400")),
    "claims are a list": by_hand(HEADER, f"[{GOOD}]"),
    "claims are text": by_hand(HEADER, '"text"'),
    "header is a list": by_hand('["HS256"]', GOOD),
    "no JSON": by_hand(HEADER, "{"),
    "deep": by_hand(HEADER, "[" * 3000),
    "too long": signed(claims(more="a" * MAX_TOKEN)),
    "two parts": by_hand(HEADER, GOOD).rpartition(".")[0],
    "four parts": by_hand(HEADER, GOOD) + ".a",
    "five parts": "a.b.c.d.e",
    "empty": "",
    "dots": "..",
    "not ASCII": by_hand(HEADER, GOOD)[:-1] + "é",
    "a line break": by_hand(HEADER, GOOD) + "\n",
    "a wrong signature": by_hand(HEADER, GOOD)[:-8] + "AAAAAAAA",
    "no signature": by_hand(HEADER, GOOD).rpartition(".")[0] + ".",
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED)
async def test_a_forged_token_is_refused(token: str) -> None:
    with pytest.raises(InvalidToken):
        await TOKENS.verify(token)


@pytest.mark.parametrize(
    "header",
    [
        {"kid": "../../dev/null"},
        {"kid": "' OR 1=1"},
        {"jku": "http://127.0.0.1:1/"},
        {"jwk": {"kty": "oct", "k": "YQ"}},
        {"x5u": "http://127.0.0.1:1/"},
    ],
    ids=str,
)
async def test_a_header_that_points_elsewhere_changes_nothing(header: dict[str, Any]) -> None:
    await TOKENS.verify(by_hand({**HEADER, **header}, GOOD))
    with pytest.raises(InvalidToken):
        await TOKENS.verify(by_hand({**HEADER, **header}, GOOD, "another secret of at least 32 bytes"))


@settings(max_examples=300)
@given(
    st.text(max_size=200)
    | st.from_regex(r"[A-Za-z0-9_-]{0,80}\.[A-Za-z0-9_-]{0,80}\.[A-Za-z0-9_-]{0,80}", fullmatch=True)
)
async def test_any_text_is_refused_and_nothing_worse(token: str) -> None:
    with pytest.raises(InvalidToken):
        await TOKENS.verify(token)


@settings(max_examples=300)
@given(st.data())
async def test_a_token_with_one_changed_character_is_refused(data: st.DataObject) -> None:
    token = by_hand(HEADER, GOOD)
    place = data.draw(st.integers(0, len(token) - 2))
    other = data.draw(st.sampled_from("ABCxyz019-_.="))
    changed = token[:place] + other + token[place + 1 :]
    if changed == token:
        return
    with pytest.raises(InvalidToken):
        await TOKENS.verify(changed)


@pytest.mark.parametrize("secret", ["", "short", "x" * 31])
def test_a_short_secret_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        SecretTokens(secret, RULES)


async def test_a_token_that_was_good_is_refused_when_its_time_is_over() -> None:
    tokens = SecretTokens(SECRET, TokenRules("issuer", "audience", leeway=0))
    token = signed(claims(exp=int(time.time()) + 1))
    await tokens.verify(token)
    await asyncio.sleep(1.1)
    with pytest.raises(InvalidToken):
        await tokens.verify(token)


async def test_a_good_token_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = SecretTokens(SECRET, RULES)
    token = tokens.issue("someone", ["a"], 60)
    first = await tokens.verify(token)
    monkeypatch.setattr(jwt, "decode", None)
    assert await tokens.verify(token) == first


async def test_as_many_tokens_are_known_as_have_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.entrypoints.http.tokens.KEPT", 2)
    tokens = SecretTokens(SECRET, RULES)
    for number in range(5):
        token = tokens.issue(f"caller {number}", [], 60)
        assert (await tokens.verify(token)).subject == f"caller {number}"
    assert len(tokens._good) == 2

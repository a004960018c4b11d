"""2,000 tokens that nobody issued, sent to a running service: none of them is let in."""

import base64
import json
import random
import time
from collections.abc import Iterator
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from app.adapters.config.settings import DEFAULT_ISSUER
from tests.e2e.service import SECRET, Client, a_token

NOW = int(time.time())
CLAIMS = {
    "sub": "admin", "scope": "posts:write", "iss": DEFAULT_ISSUER, "aud": DEFAULT_ISSUER, "iat": NOW, "exp": NOW + 900,
}  # fmt: skip
SPELLINGS: tuple[Any, ...] = (
    "none", "None", "NONE", "nOnE", "", " none", None, 0, [], ["HS256"], {}, "HS257", "hs256", "dir",
)  # fmt: skip
RSA_KEY, EC_KEY = rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())


def encoded(part: object) -> str:
    raw = part if isinstance(part, bytes) else part.encode() if isinstance(part, str) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def signed(header: object, claims: object, key: str = SECRET) -> str:
    """A token of any texts, with a right signature for the key."""
    start = f"{encoded(header)}.{encoded(claims)}"
    algorithm = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    return f"{start}.{encoded(algorithm.sign(start.encode(), key.encode()))}"


def wrong_algorithms() -> Iterator[str]:
    """Unsigned under every spelling, other algorithms, public keys taken for secrets."""
    for name in SPELLINGS:
        header = {"alg": name, "typ": "JWT"}
        yield f"{encoded(header)}.{encoded(CLAIMS)}."
        yield f"{encoded(header)}.{encoded(CLAIMS)}"
        yield signed(header, CLAIMS)
        yield signed(header, CLAIMS, "")
    for key, algorithms in ((RSA_KEY, ("RS256", "PS256", "RS512")), (EC_KEY, ("ES256",))):
        for algorithm in algorithms:
            yield jwt.encode(CLAIMS, key, algorithm)
        for encoding in (serialization.Encoding.PEM, serialization.Encoding.DER):
            public = key.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
            yield signed({"alg": "HS256"}, CLAIMS, public.decode("latin-1"))
    for algorithm in ("HS384", "HS512"):
        yield jwt.encode(CLAIMS, SECRET * 2, algorithm)


def wrong_claims() -> Iterator[str]:
    """Signed with the right key, as a careless issuer would, and still no proof."""
    header = {"alg": "HS256", "typ": "JWT"}
    bad: tuple[Any, ...] = (
        None,
        "",
        "x",
        [],
        {},
        True,
        False,
        -1,
        0,
        NOW - 3600,
        2**53,
        10**30,
        1e308,
        str(NOW + 900),
        [NOW + 900],
    )
    for name in ("exp", "iat", "aud", "iss", "sub"):
        yield signed(header, {key: value for key, value in CLAIMS.items() if key != name})
        for value in bad:
            # A sub may be any text, and an iat any time that is over.
            is_right = (name == "sub" and isinstance(value, str) and value) or (
                name == "iat" and type(value) is int and 0 <= value <= NOW
            )
            if not is_right:
                yield signed(header, {**CLAIMS, name: value})
    text = json.dumps(CLAIMS)
    for number in ("NaN", "Infinity", "-Infinity", "1e400", "9" * 400):
        yield signed(header, text.replace(str(NOW + 900), number))
    for name, known in CLAIMS.items():
        yield signed(header, f'{text[:-1]}, "{name}": {json.dumps(known)}}}')
    extras: tuple[dict[str, Any], ...] = (
        {"crit": ["exp"]}, {"crit": []}, {"crit": ["b64"], "b64": False}, {"b64": False}, {"b64": 0},
    )  # fmt: skip
    for extra in extras:
        yield signed({**header, **extra}, CLAIMS)
    yield signed('{"alg": "HS256", "alg": "HS256"}', CLAIMS)
    for claims in ("[]", "null", "1", '"text"', "{", "", "[" * 4000, "{" * 4000):
        yield signed(header, claims)
    for size in (8_000, 8_100):
        yield signed(header, {**CLAIMS, "more": "a" * size})


def wrong_keys(dice: random.Random) -> Iterator[str]:
    """Other keys, and kids that point to what isn't there."""
    for number in range(300):
        yield signed({"alg": "HS256", "kid": f"kid-{number}"}, CLAIMS, f"{dice.randbytes(24).hex()}")
    for kid in ("../../../dev/null", "' OR '1'='1", "/proc/self/environ", "http://127.0.0.1:1/key", "\0", "a" * 1000):
        for key in ("", "\0", kid):
            yield signed({"alg": "HS256", "kid": kid, "jku": kid, "x5u": kid}, CLAIMS, key)
    for number in range(len(SECRET)):
        yield signed({"alg": "HS256"}, CLAIMS, SECRET[:number])


def mutated(dice: random.Random, count: int) -> Iterator[str]:
    """A good token with one thing changed: a bit of a part, a cut, parts swapped, something added."""
    good = a_token("posts:write")
    head, claims, signature = good.split(".")
    for number in range(count):
        place = dice.randrange(len(signature) - 1)
        other = dice.choice([each for each in "ABCDEFxyz0189-_" if each != signature[place]])
        yield from (
            f"{head}.{claims}.{signature[:place]}{other}{signature[place + 1 :]}",
            f"{head}.{encoded({**CLAIMS, 'sub': f'admin{number}'})}.{signature}",
            f"{encoded({'alg': 'HS256', 'n': number})}.{claims}.{signature}",
            good[: dice.randrange(1, len(good) - 2)],
        )
    yield from (good + ".", good + ".a", "." + good, f"{claims}.{head}.{signature}", f"{signature}.{claims}.{head}")
    yield from (f"{good}.{good}", good.replace(".", ","), good.replace(".", " "), f'"{good}"', f"Bearer {good}")


def forged() -> list[str]:
    dice = random.Random(4711)
    return [*wrong_algorithms(), *wrong_claims(), *wrong_keys(dice), *mutated(dice, 500)]


async def test_no_forged_or_broken_token_is_let_in(writer: Client) -> None:
    tokens = sorted({token for token in forged() if token.isascii() and not set(token) & set("\0\r\n")})
    assert len(tokens) >= 2000
    let_in = []
    for token in tokens:
        answer = await writer.send("DELETE", "/api/v1/posts/1", headers={"Authorization": f"Bearer {token}"})
        # A head that is too large is no token at all; it is refused before anybody looks at it.
        if answer.status not in (401, 400, 431):
            let_in.append((token, answer.status))
    assert let_in == []
    assert (await writer.delete("/api/v1/posts/1")).status in (404, 428)

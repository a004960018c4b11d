"""The settings of CORS: which pages of other origins may read answers."""

import re

import attrs
from attrs.validators import ge, le

from app.adapters.config.checks import Demand
from app.adapters.config.setting import setting

ANY = "*"
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def _are_origins(values: tuple[str, ...]) -> bool:
    return values == (ANY,) or all(_ORIGIN.fullmatch(value) for value in values)


def _are_tokens(values: tuple[str, ...]) -> bool:
    return all(_TOKEN.fullmatch(value) for value in values)


_origins = Demand("origins as browsers send them, such as https://app.example.org, or * alone", _are_origins)
_names = Demand("names as HTTP has them", _are_tokens)


@attrs.frozen
class CorsSettings:
    """The origins that may, and what their pages may send and see. Without origins there is no CORS."""

    origins: tuple[str, ...] = setting((), "Origins whose pages may call, with commas; or `*`", validator=_origins)
    methods: tuple[str, ...] = setting(
        ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"), "Methods that they may use", validator=_names
    )
    headers: tuple[str, ...] = setting(
        (
            "Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "traceparent",
            "X-Request-ID", "X-Request-Timeout",
        ),
        "Headers that they may send",
        validator=_names,
    )  # fmt: skip
    exposed_headers: tuple[str, ...] = setting(
        (
            "ETag",
            "Idempotent-Replayed",
            "Link",
            "Location",
            "RateLimit",
            "RateLimit-Policy",
            "Retry-After",
            "X-Request-ID",
        ),
        "Headers of answers that they may see",
        validator=_names,
    )
    credentials: bool = setting(False, "Whether they may send cookies and the like; never with the origin `*`")
    max_age: int = setting(600, "Seconds for which browsers remember what may be sent", validator=[ge(0), le(86400)])

"""Values that must not be seen: they print as `***`, or as an address without its password."""

import hmac
import re
from typing import NoReturn, Self

_MASK = "***"
_TELLING = re.compile(r"pass|pwd|secret|token|key|credential", re.IGNORECASE)


class Secret:
    """A text that no print, log, JSON or pickle gives away; only `reveal()` does."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The text itself, for the one call that needs it."""
        return self._value

    def __str__(self) -> str:
        return _MASK

    def __repr__(self) -> str:
        return f"{type(self).__name__}('{self}')"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((type(self), self._value))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is not pickled")


class Dsn(Secret):
    """The address of a server, as a URL; prints without its password and the secrets of its query string."""

    __slots__ = ()

    def __str__(self) -> str:
        scheme, found, rest = self._value.partition("://")
        if not found:
            return _MASK
        # The last @ of all: a password that was not quoted may hold any of /?#@, and must stay hidden even so.
        login, at, address = rest.rpartition("@")
        user, colon, _ = login.partition(":")
        address, mark, query = address.partition("?")
        return f"{scheme}://{user}{colon}{_MASK if colon else ''}{at}{address}{mark}{_mask_query(query)}"


def _mask_query(query: str) -> str:
    return "&".join(_mask_parameter(part) for part in query.split("&"))


def _mask_parameter(part: str) -> str:
    name, equals, _ = part.partition("=")
    return f"{name}={_MASK}" if equals and _TELLING.search(part) else part

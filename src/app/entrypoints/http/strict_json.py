"""Reads one JSON document, and refuses all that readers of JSON disagree about.

RFC 8259 leaves open what duplicate keys, huge numbers and lone surrogates mean; I-JSON (RFC 7493) forbids them, and so
does this. What is accepted here can be stored by every database and written back unchanged.
"""

import json
from collections import Counter
from typing import Any

from app.entrypoints.http.errors import MalformedRequest

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
MAX_DEPTH = 32
_INT64_DIGITS = 20


def decode(body: bytes) -> Any:
    """The value of a JSON document in UTF-8, made of dict, list, str, int, float, bool and None.

    Integers are within 64 bits, floats finite, strings without NUL and lone surrogates, keys unique, and nothing is
    nested deeper than 32. Raises MalformedRequest for everything else.
    """
    if not body.strip():
        raise MalformedRequest("EMPTY_BODY", "Send a JSON document as the body.")
    if body.startswith(b"\xef\xbb\xbf"):
        raise MalformedRequest("BYTE_ORDER_MARK", "Send the body without a byte order mark.")
    try:
        value = _decoder.decode(body.decode())
    except UnicodeDecodeError as error:
        raise MalformedRequest("INVALID_UTF8", f"Send UTF-8: byte {error.start} is none.") from error
    except json.JSONDecodeError as error:
        raise MalformedRequest("INVALID_JSON", f"Send JSON: {error.msg.lower()} at character {error.pos}.") from error
    except RecursionError as error:
        raise _too_deep() from error
    if b"\\u" in body or body.count(b"{") + body.count(b"[") > MAX_DEPTH:
        _check_tree(value)
    return value


def is_plain_text(text: str) -> bool:
    """Whether every database takes this text: it has no NUL and no lone surrogates."""
    return "\0" not in text and (text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        name = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise MalformedRequest("DUPLICATE_KEY", "Send each key once.", field_name=name[:100])
    return found


def _integer(text: str) -> int:
    if len(text) <= _INT64_DIGITS and INT64_MIN <= (value := int(text)) <= INT64_MAX:
        return value
    raise MalformedRequest("NUMBER_TOO_LARGE", "Send integers of at most 64 bits.")


def _float(text: str) -> float:
    value = float(text)
    if value - value != 0:
        raise MalformedRequest("NUMBER_TOO_LARGE", "Send finite numbers of double precision.")
    return value


def _constant(name: str) -> Any:
    raise MalformedRequest("INVALID_JSON", f"Send JSON: {name} is no JSON value.")


def _check_tree(root: Any) -> None:
    level, depth = [root], 0
    while level:
        depth += 1
        below: list[Any] = []
        for value in level:
            if type(value) is dict:
                below += value.keys()
                below += value.values()
            elif type(value) is list:
                below += value
            elif type(value) is str and not is_plain_text(value):
                raise MalformedRequest("INVALID_TEXT", "Send text without NUL and lone surrogates.")
        if depth > MAX_DEPTH and any(type(value) in (dict, list) for value in level):
            raise _too_deep()
        level = below


def _too_deep() -> MalformedRequest:
    return MalformedRequest("NESTED_TOO_DEEPLY", f"Nest arrays and objects at most {MAX_DEPTH} deep.")


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant)

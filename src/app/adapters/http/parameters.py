"""What a caller wants to say, written as a URL says it."""

import enum
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from urllib.parse import quote

from app.adapters.http.errors import UpstreamMissing

Scalar = str | int | float | bool | datetime
Parameter = Scalar | Sequence[Scalar] | None


def path_of(parts: Iterable[str]) -> str:
    """The path of these parts, each quoted, so that none of them reaches out of its place.

    Raises UpstreamMissing for parts that no resource is called, and that servers take for directions.
    """
    found = list(parts)
    if any(part in ("", ".", "..") for part in found):
        raise UpstreamMissing("Nothing has an empty name, nor one of dots alone.")
    return "".join("/" + quote(part, safe="") for part in found)


def query_of(parameters: Mapping[str, Parameter]) -> str:
    """The query string: lists joined by commas, None left out, truth in lower case, moments in ISO 8601.

    An empty list is an empty value. Raises ValueError for an item that holds the comma that would divide it.
    """
    written = {name: _written(value) for name, value in parameters.items() if value is not None}
    return "&".join(f"{quote(name, safe='')}={text}" for name, text in written.items())


def _written(value: Scalar | Sequence[Scalar]) -> str:
    if isinstance(value, str) or not isinstance(value, Sequence):
        return quote(_text(value), safe="")
    texts = [_text(item) for item in value]
    if any("," in text for text in texts):
        raise ValueError("An item of a list that is joined by commas holds one.")
    return ",".join(quote(text, safe="") for text in texts)


def _text(value: Scalar) -> str:
    match value:
        case bool():
            return str(value).lower()
        case enum.Enum():
            return str(value.value)
        case datetime():
            return value.isoformat()
        case _:
            return str(value)

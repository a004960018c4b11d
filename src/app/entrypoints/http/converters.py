"""Readers that turn what was sent into the declared types, strictly, and tell every field that is wrong.

cattrs structures; the hooks for scalars (scalars.py) and for checks (constraints.py) are ours, since its own coerce.
Each type is compiled twice: fast, stopping at the first fault, and detailed, which runs only after a failure.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote_plus, unquote_to_bytes

import attrs
from multidict import MultiMapping

from app.entrypoints.http.errors import ValidationFailed, Violation
from app.entrypoints.http.scalars import FROM_JSON, FROM_TEXT, Refused
from app.entrypoints.http.strict_json import decode
from app.entrypoints.http.structure import is_collection, resolved_fields, structure_hook
from app.entrypoints.http.violations import violations_of

Structure = Callable[[Any], Any]


def body_decoder(type_: Any) -> Callable[[bytes], Any]:
    """Reads a JSON body as `type_`. Raises MalformedRequest, or ValidationFailed with every violation."""
    structure = _compile(type_, FROM_JSON, as_text=False)
    return lambda body: structure(decode(body))


def query_reader(type_: Any) -> Callable[[MultiMapping[str]], Any]:
    """Reads a query string as an attrs class. Unknown parameters are refused.

    Repeated parameters are for collections. Raises ValidationFailed with every violation.
    """
    structure = _compile(type_, FROM_TEXT, as_text=True)
    lists = frozenset(field.name for field in resolved_fields(type_) if is_collection(field.type))
    empty = structure({}) if _all_optional(type_) else None

    def read(query: MultiMapping[str]) -> Any:
        if not query and empty is not None:
            return empty
        values: dict[str, Any] = {}
        repeated: dict[str, Violation] = {}
        for name, value in query.items():
            if name in lists:
                values.setdefault(name, []).append(value)
            elif name in values:
                repeated[name] = Violation("DUPLICATE", "Send this parameter once.", name)
            else:
                values[name] = value
        if repeated:
            raise ValidationFailed([*repeated.values(), *_faults(structure, values)])
        return structure(values)

    return read


def _faults(structure: Structure, values: dict[str, Any]) -> Sequence[Violation]:
    try:
        structure(values)
    except ValidationFailed as error:
        return error.errors
    return ()


def not_utf8(raw_query: str) -> list[Violation]:
    """The parameters of a query whose percent-encoded bytes are no UTF-8; they would be taken as they are written."""
    return [
        Violation("NOT_UTF8", "Send text that is percent-encoded UTF-8.", unquote_plus(part.partition("=")[0]))
        for part in raw_query.split("&")
        if not _is_utf8(part)
    ]


def _is_utf8(quoted: str) -> bool:
    try:
        unquote_to_bytes(quoted).decode()
    except UnicodeDecodeError:
        return False
    return True


def header_reader(type_: Any) -> Callable[[Mapping[str, str]], Any]:
    """Reads headers as an attrs class: `if_match` is `If-Match`; headers that it doesn't name are ignored."""
    names = {field.name: header_name(field.name) for field in resolved_fields(type_)}
    structure = _compile(type_, FROM_TEXT, as_text=True, names=names)

    def read(headers: Mapping[str, str]) -> Any:
        return structure({name: value for name, header in names.items() if (value := headers.get(header)) is not None})

    return read


def path_reader(name: str, type_: Any) -> Callable[[str], Any]:
    """Reads the parameter `name` of a path. Raises ValidationFailed."""
    hook = structure_hook(type_, FROM_TEXT, detailed=False, as_text=True)

    def read(text: str) -> Any:
        try:
            return hook(text, type_)
        except Refused as error:
            raise ValidationFailed([error.at(name)]) from error

    return read


def header_name(field_name: str) -> str:
    """The header that a field stands for: `if_match` for `If-Match`."""
    return "-".join(part.capitalize() for part in field_name.split("_"))


def _compile(
    type_: Any, scalars: Mapping[Any, Any], *, as_text: bool, names: Mapping[str, str] | None = None
) -> Structure:
    fast = structure_hook(type_, scalars, detailed=False, as_text=as_text)
    detailed = structure_hook(type_, scalars, detailed=True, as_text=as_text)

    def structure(value: Any) -> Any:
        try:
            return fast(value, type_)
        except Exception:
            # cattrs raises whatever went wrong first; the second reading tells all of it, or fails for a real fault.
            violations = violations_of(lambda: detailed(value, type_), names or {})
        raise ValidationFailed(violations)

    return structure


def _all_optional(type_: Any) -> bool:
    return all(field.default is not attrs.NOTHING for field in resolved_fields(type_))

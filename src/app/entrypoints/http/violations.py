"""From what a detailed reading raised to a flat list: each fault with the path of its field."""

from collections.abc import Callable, Mapping
from typing import Any

from cattrs import BaseValidationError, ForbiddenExtraKeysError
from cattrs.errors import AttributeValidationNote, IterableValidationNote

from app.entrypoints.http.errors import Violation
from app.entrypoints.http.scalars import Refused


def violations_of(read: Callable[[], Any], names: Mapping[str, str]) -> list[Violation]:
    """Run a reading that is known to fail; every fault it has. `names` are what the caller calls top-level fields."""
    try:
        read()
    except (Refused, BaseValidationError) as error:
        return _flatten(error, "", names)
    raise AssertionError("The fast reading refused what the detailed one accepts.")


def _flatten(error: BaseException, path: str, names: Mapping[str, str]) -> list[Violation]:
    path = _extended(path, error, names)
    if isinstance(error, BaseValidationError):
        return [violation for inner in error.exceptions for violation in _flatten(inner, path, names)]
    if isinstance(error, Refused):
        return [error.at(path or None)]
    if isinstance(error, ForbiddenExtraKeysError):
        unknown = sorted(error.extra_fields)
        return [Violation("UNKNOWN_FIELD", "This is no field here.", _joined(path, name[:100])) for name in unknown]
    if isinstance(error, KeyError):
        return [Violation("MISSING", "Send this field.", path)]
    raise error


def _extended(path: str, error: BaseException, names: Mapping[str, str]) -> str:
    for note in getattr(error, "__notes__", ()):
        if isinstance(note, AttributeValidationNote):
            return _joined(path, names.get(note.name, note.name) if not path else note.name)
        if isinstance(note, IterableValidationNote):
            return f"{path}[{note.index}]" if isinstance(note.index, int) else _joined(path, note.index[:100])
    return path


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name

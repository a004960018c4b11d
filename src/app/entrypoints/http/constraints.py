"""The limits that attrs validators put on a field: one reading for the schema, the checks and the messages."""

from collections.abc import Callable
from typing import Any

import attrs

from app.entrypoints.http.signature import MountError


@attrs.frozen
class Constraints:
    """What a field's value must keep to. `item` holds for each member; `custom` validators can't be described."""

    ge: Any = None
    gt: Any = None
    le: Any = None
    lt: Any = None
    min_len: int | None = None
    max_len: int | None = None
    pattern: str | None = None
    choices: tuple[Any, ...] | None = None
    item: "Constraints | None" = None
    custom: tuple[Callable[..., Any], ...] = ()


NO_CONSTRAINTS = Constraints()

_COMPARISONS = {">=": "ge", ">": "gt", "<=": "le", "<": "lt"}

# attrs' validator classes are private: they are told by name, and a test for each one notices when attrs renames it.
_READERS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "_MinLengthValidator": lambda found: {"min_len": found.min_length},
    "_MaxLengthValidator": lambda found: {"max_len": found.max_length},
    "_MatchesReValidator": lambda found: {"pattern": found.pattern.pattern},
    "_InValidator": lambda found: {"choices": tuple(found.options)},
    "_InstanceOfValidator": lambda found: {},
    "_NumberValidator": lambda found: {_COMPARISONS[found.compare_op]: found.bound},
    "_DeepIterable": lambda found: {
        **(_read(found.iterable_validator) if found.iterable_validator else {}),
        "item": Constraints(**_read(found.member_validator)),
    },
    "_OptionalValidator": lambda found: _read(found.validator),
    "_AndValidator": lambda found: _merge(found._validators),
}
_INDESCRIBABLE = ("_OrValidator", "_NotValidator", "_DeepMapping", "_SubclassOfValidator")


def constraints_of(attribute: "attrs.Attribute[Any]") -> Constraints:
    """The constraints of one attrs field; raises MountError for a validator that no schema can tell."""
    if attribute.validator is None:
        return NO_CONSTRAINTS
    try:
        return Constraints(**_read(attribute.validator))
    except MountError as error:
        raise MountError(f"{attribute.name}: {error}") from error


def _read(validator: Any) -> dict[str, Any]:
    name = type(validator).__name__
    if name in _INDESCRIBABLE:
        raise MountError(f"{name} cannot be described in a schema: use simpler validators, or a function.")
    reader = _READERS.get(name)
    return reader(validator) if reader is not None else {"custom": (validator,)}


def _merge(validators: tuple[Any, ...]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for validator in validators:
        for name, value in _read(validator).items():
            merged[name] = (*merged.get(name, ()), *value) if name == "custom" else value
    return merged

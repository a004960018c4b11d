"""Structuring with cattrs where every hook is ours: strict types, fields checked one by one, unknown keys refused."""

import enum
import types
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import attrs
import cattrs
from cattrs.errors import IterableValidationError, IterableValidationNote
from cattrs.gen import make_dict_structure_fn, override

from app.entrypoints.http.checks import checked
from app.entrypoints.http.constraints import constraints_of
from app.entrypoints.http.scalars import Hook, Refused, choice, members_of, wrong_type
from app.entrypoints.http.signature import MountError

_COLLECTIONS = (list, tuple, set, frozenset)


def structure_hook(type_: Any, scalars: Mapping[Any, Hook], *, detailed: bool, as_text: bool) -> Hook:
    """Reads values of one type; `detailed` collects every fault, with its path.

    Raises MountError for a type that has no strict reading.
    """
    return _Build(scalars, detailed=detailed, as_text=as_text).hook(type_)


def is_collection(type_: Any) -> bool:
    """Whether values of this type come as several: a list, tuple or set, or an optional one."""
    origin = get_origin(type_)
    if origin in (Union, types.UnionType):
        return any(is_collection(argument) for argument in get_args(type_))
    return origin in _COLLECTIONS


def resolved_fields(type_: Any) -> "list[attrs.Attribute[Any]]":
    """The fields of an attrs class, generic or not, with their types resolved and type arguments put in."""
    class_ = get_origin(type_) or type_
    if not (isinstance(class_, type) and attrs.has(class_)):
        raise MountError(f"{type_} is no attrs class.")
    attrs.resolve_types(class_)
    variables = dict(zip(getattr(class_, "__parameters__", ()), get_args(type_), strict=False))
    return [field.evolve(type=_substituted(field.type, variables)) for field in attrs.fields(class_)]


def _substituted(type_: Any, variables: Mapping[Any, Any]) -> Any:
    if isinstance(type_, TypeVar):
        return variables.get(type_, type_)
    if getattr(type_, "__parameters__", ()):
        return type_[tuple(variables.get(variable, variable) for variable in type_.__parameters__)]
    return type_


def tag_of(classes: "tuple[Any, ...]") -> tuple[str, dict[Any, Any]]:
    """The field that tells the classes of a union apart, and each one's value of it.

    Raises MountError unless all are attrs classes that share a field which is a Literal of one value in each.
    """
    tags: list[dict[str, Any]] = []
    for class_ in classes:
        fields = resolved_fields(class_)
        tags.append({field.name: get_args(field.type)[0] for field in fields if _is_single_literal(field.type)})
    shared = [name for name in tags[0] if all(name in found for found in tags)]
    for name in shared:
        by_tag = {found[name]: class_ for found, class_ in zip(tags, classes, strict=True)}
        if len(by_tag) == len(classes):
            return name, by_tag
    names = ", ".join(getattr(class_, "__name__", str(class_)) for class_ in classes)
    raise MountError(f"Give {names} a field such as `kind: Literal[…]` that tells them apart.")


def _is_single_literal(type_: Any) -> bool:
    return get_origin(type_) is Literal and len(get_args(type_)) == 1


class _Build:
    """Makes the hook of each type once, when the type is first met."""

    def __init__(self, scalars: Mapping[Any, Hook], *, detailed: bool, as_text: bool) -> None:
        self._converter = cattrs.Converter()
        self._made: dict[Any, Hook] = dict(scalars)
        self._detailed = detailed
        self._as_text = as_text

    def hook(self, type_: Any) -> Hook:
        if type_ not in self._made:
            # A class that holds itself finds this one while it is being made.
            self._made[type_] = lambda value, wanted: self._made[type_](value, wanted)
            self._made[type_] = self._make(type_)
        return self._made[type_]

    def _make(self, type_: Any) -> Hook:
        if type_ is object or type_ is Any:
            return lambda value, _: value
        if isinstance(type_, type) and issubclass(type_, enum.Enum):
            return choice(members_of(type_), as_text=self._as_text)
        origin, arguments = get_origin(type_), get_args(type_)
        if origin is Literal:
            return choice([(value, value) for value in arguments], as_text=self._as_text)
        if origin in (Union, types.UnionType):
            return self._union(arguments)
        if origin in _COLLECTIONS:
            return self._collection(origin, arguments)
        if origin is dict:
            return self._mapping(arguments)
        if isinstance(origin or type_, type) and attrs.has(origin or type_):
            return self._class(type_)
        raise MountError(f"{type_} has no strict reading: use one of the types that the kit knows.")

    def _class(self, type_: Any) -> Hook:
        overrides: dict[str, Any] = {field.name: self._field(field) for field in resolved_fields(type_)}
        read = make_dict_structure_fn(
            type_,
            self._converter,
            _cattrs_forbid_extra_keys=True,
            _cattrs_detailed_validation=self._detailed,
            **overrides,
        )

        def hook(value: Any, wanted: Any) -> Any:
            if type(value) is not dict:
                raise wrong_type("an object")
            return read(value, wanted)

        return hook

    def _field(self, field: "attrs.Attribute[Any]") -> Any:
        check = checked(constraints_of(field))
        inner = self.hook(field.type)
        if check is None:
            return override(struct_hook=lambda value, _: inner(value, field.type))

        def hook(value: Any, _: Any) -> Any:
            found = inner(value, field.type)
            check(found)
            return found

        return override(struct_hook=hook)

    def _union(self, arguments: tuple[Any, ...]) -> Hook:
        classes = tuple(argument for argument in arguments if argument is not type(None))
        inner = self.hook(classes[0]) if len(classes) == 1 else self._tagged(classes)
        if len(classes) == len(arguments):
            return inner
        only = classes[0] if len(classes) == 1 else None
        return lambda value, _: None if value is None else inner(value, only)

    def _tagged(self, classes: tuple[Any, ...]) -> Hook:
        name, by_tag = tag_of(classes)
        pick = choice(by_tag.items(), as_text=False)
        hooks = {class_: self.hook(class_) for class_ in classes}

        def hook(value: Any, _: Any) -> Any:
            if type(value) is not dict:
                raise wrong_type("an object")
            if name not in value:
                raise Refused("MISSING", f"Send `{name}`, which tells what this is.")
            class_ = pick(value[name], None)
            return hooks[class_](value, class_)

        return hook

    def _collection(self, origin: Any, arguments: tuple[Any, ...]) -> Hook:
        if origin is tuple and arguments[-1] is not Ellipsis:
            return self._fixed_tuple(arguments)
        item_type, inner = arguments[0], self.hook(arguments[0])
        each = self._each
        is_set = origin in (set, frozenset)

        def hook(value: Any, _: Any) -> Any:
            if type(value) is not list:
                raise wrong_type("an array")
            found = each(enumerate(value), lambda item: inner(item, item_type))
            members = origin(found)
            if is_set and len(members) != len(found):
                raise Refused("DUPLICATE", "Send each item once.")
            return members

        return hook

    def _fixed_tuple(self, arguments: tuple[Any, ...]) -> Hook:
        hooks = [(self.hook(argument), argument) for argument in arguments]
        each = self._each

        def hook(value: Any, _: Any) -> Any:
            if type(value) is not list or len(value) != len(hooks):
                raise wrong_type(f"an array of {len(hooks)} items")
            pairs = zip(value, hooks, strict=True)
            return tuple(each(enumerate(pairs), lambda pair: pair[1][0](pair[0], pair[1][1])))

        return hook

    def _mapping(self, arguments: tuple[Any, ...]) -> Hook:
        if arguments[0] is not str:
            raise MountError(f"The keys of a JSON object are strings, not {arguments[0]}.")
        value_type, inner, each = arguments[1], self.hook(arguments[1]), self._each
        is_any = value_type in (object, Any)

        def hook(value: Any, _: Any) -> Any:
            if type(value) is not dict:
                raise wrong_type("an object")
            if is_any:
                return value
            return dict(zip(value, each(value.items(), lambda item: inner(item, value_type)), strict=True))

        return hook

    def _each(self, pairs: Any, read: Callable[[Any], Any]) -> list[Any]:
        """Read every item; when detailed, go on after a fault and raise all of them with their places."""
        if not self._detailed:
            return [read(item) for _, item in pairs]
        found, faults = [], []
        for place, item in pairs:
            try:
                found.append(read(item))
            except (Refused, cattrs.BaseValidationError) as error:
                error.add_note(IterableValidationNote(str(place), place, None))
                faults.append(error)
        if faults:
            raise IterableValidationError("", faults, list)
        return found

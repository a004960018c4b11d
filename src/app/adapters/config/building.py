"""From sources to a settings object: merged by precedence, parsed, validated, and every problem told at once."""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar

import attrs

from app.adapters.config.checks import check
from app.adapters.config.parsing import parse, to_text
from app.adapters.config.setting import Key, default_of, leaves, named_type, ordered, variable
from app.adapters.config.sources import Given, Problem, SettingsError, Source

T = TypeVar("T")

DEFAULT = "default"
UNSET = "not set"
_CHOSEN_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@attrs.frozen
class Effective:
    """A setting as it holds: its value, and who said so."""

    value: Any
    origin: str


@attrs.frozen
class Row:
    """A setting made fit to be shown: secrets are masked."""

    variable: str
    value: str
    origin: str


@attrs.frozen
class Built(Generic[T]):
    """The settings, and for each one where its value came from."""

    settings: T
    effective: Mapping[Key, Effective]

    def rows(self) -> list[Row]:
        """Every setting as it holds, with who said so; secrets are masked."""
        return [Row(variable(key), to_text(known.value), known.origin) for key, known in self.effective.items()]


@attrs.frozen
class Examined(Generic[T]):
    """What was found: every setting that could be read as it holds, and all that is wrong."""

    settings: T | None
    effective: Mapping[Key, Effective]
    problems: list[Problem]


@attrs.frozen
class Broken:
    """A rule over several settings that does not hold. The first key names the one to change."""

    keys: tuple[Key, ...]
    message: str


@attrs.frozen
class Rules(Generic[T]):
    """What holds between settings: values that follow from others, and combinations that are refused."""

    derive: Callable[[Mapping[Key, Given]], Iterable[Given]] = lambda given: ()
    refuse: Callable[[T], Iterable[Broken]] = lambda settings: ()


def build(cls: type[T], sources: Iterable[Source], rules: Rules[T] | None = None) -> Built[T]:
    """Settings of type `cls`: a default yields to any source, a source to those after it.

    Raises SettingsError with all problems of all sources, and TypeError for a class that cannot be settings.
    """
    found = examine(cls, sources, rules)
    if found.problems or found.settings is None:
        raise SettingsError(found.problems)
    return Built(found.settings, found.effective)


def examine(cls: type[T], sources: Iterable[Source], rules: Rules[T] | None = None) -> Examined[T]:
    """What `sources` make of a `cls`, and all that is wrong with them. Raises TypeError as `build` does."""
    rules = rules or Rules()
    readings = [source.read() for source in sources]
    everything = [given for reading in readings for given in reading.values]
    merged = {given.key: given for given in everything}
    merged = {given.key: given for given in rules.derive(merged)} | merged
    builder = _Builder(merged)
    settings = builder.build(cls, ())
    problems = [problem for reading in readings for problem in reading.problems]
    problems += _unknown(cls, everything, builder.effective)
    problems += builder.problems.values()
    if settings is not None:
        problems += _refused(rules.refuse(settings), builder)
    return Examined(settings, builder.effective, problems)


def _unknown(cls: type, everything: Iterable[Given], known: Mapping[Key, Effective]) -> list[Problem]:
    candidates = {variable(key): key for key in (*known, *(leaf.key for leaf in leaves(cls)))}
    return [
        Problem(given.name, given.origin, f"is no setting{_suggestion(given, candidates)}")
        for given in everything
        if given.key not in known
    ]


def _suggestion(given: Given, candidates: Mapping[str, Key]) -> str:
    name = given.name.upper() if given.key == (given.name,) else variable(given.key)
    close = difflib.get_close_matches(name, candidates, n=1, cutoff=0.6)
    return f"; did you mean {given.spell(candidates[close[0]])}?" if close else ""


def _refused(broken: Iterable[Broken], builder: "_Builder") -> list[Problem]:
    """Rules that are broken by what was read, and not by a default that stands in for an unreadable value."""
    return [
        Problem(variable(rule.keys[0]), builder.origin(rule.keys[0]), rule.message)
        for rule in broken
        if not builder.problems.keys() & set(rule.keys)
    ]


def _all_there(values: Mapping[str, Any]) -> bool:
    return all(value is not attrs.NOTHING for value in values.values())


class _Builder:
    """Builds the tree once, and remembers on the way what was used and what was wrong."""

    def __init__(self, given: Mapping[Key, Given]) -> None:
        self._given = given
        self.problems: dict[Key, Problem] = {}
        self.effective: dict[Key, Effective] = {}

    def origin(self, key: Key) -> str:
        given = self._given.get(key)
        return given.origin if given else UNSET

    def build(self, cls: type[T], prefix: Key) -> T | None:
        """A `cls` whose unreadable settings have their defaults; None if a required one has no value."""
        values = {field.name: self._field(field, field.type, (*prefix, field.name)) for field in ordered(cls)}
        return cls(**values) if _all_there(values) else None

    def _field(self, attribute: "attrs.Attribute[Any]", tp: Any, key: Key) -> Any:
        inner = named_type(tp)
        if inner is not None:
            return self._named(attribute, inner, key)
        if attrs.has(tp):
            built = self.build(tp, key)
            return attrs.NOTHING if built is None else built
        return self._leaf(attribute, tp, key)

    def _named(self, attribute: "attrs.Attribute[Any]", tp: Any, prefix: Key) -> Any:
        depth = len(prefix)
        below = depth + (2 if attrs.has(tp) else 1)
        names = {key[depth] for key in self._given if key[:depth] == prefix and len(key) >= below}
        values = {
            name: self._field(attribute, tp, (*prefix, name)) for name in sorted(names) if _CHOSEN_NAME.fullmatch(name)
        }
        return values if _all_there(values) else attrs.NOTHING

    def _leaf(self, attribute: "attrs.Attribute[Any]", tp: Any, key: Key) -> Any:
        given = self._given.get(key)
        value = default_of(attribute)
        if given is not None:
            value = self._read(attribute, tp, given, value)
        elif value is attrs.NOTHING:
            self.problems[key] = Problem(variable(key), UNSET, "is required")
        self.effective[key] = Effective(value, given.origin if given else DEFAULT)
        return value

    def _read(self, attribute: "attrs.Attribute[Any]", tp: Any, given: Given, default: Any) -> Any:
        try:
            value = parse(tp, given.text)
            check(attribute, value)
        except ValueError as error:
            self.problems[given.key] = Problem(given.name, given.origin, str(error))
            return default
        return value

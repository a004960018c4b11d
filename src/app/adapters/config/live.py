"""The settings as they hold now. Those marked as reloadable change while the service runs, others with a restart."""

from collections.abc import Callable, Iterator
from typing import Any

import attrs

from app.adapters.config.setting import Key, about, named_type
from app.adapters.config.settings import Settings

Subscriber = Callable[[Settings], None]


@attrs.frozen
class Difference:
    """A setting that has another value in newer settings."""

    key: Key
    reloadable: bool


class LiveSettings:
    """Holds the settings that are in force. Whoever needs the newest value reads `current`, or subscribes."""

    def __init__(self, settings: Settings) -> None:
        self._current = settings
        self._subscribers: list[Subscriber] = []

    @property
    def current(self) -> Settings:
        """The settings in force."""
        return self._current

    def subscribe(self, subscriber: Subscriber) -> None:
        """Call `subscriber` with the settings after each change. It must not fail: the values are valid."""
        self._subscribers.append(subscriber)

    def change(self, newer: Settings) -> list[Difference]:
        """Take over the reloadable settings of `newer`, all in one step; everything that is different in it."""
        found = list(differences(self._current, newer))
        if any(difference.reloadable for difference in found):
            self._current = merged(self._current, newer)
            for subscriber in self._subscribers:
                subscriber(self._current)
        return found


def differences(older: Any, newer: Any, prefix: Key = ()) -> Iterator[Difference]:
    """What is different in newer settings of the same type, setting by setting."""
    for field in attrs.fields(type(older)):
        key = (*prefix, field.name)
        before, after = getattr(older, field.name), getattr(newer, field.name)
        if attrs.has(type(before)):
            yield from differences(before, after, key)
        elif _by_name(field) and before.keys() == after.keys():
            for name in before:
                yield from differences(before[name], after[name], (*key, name))
        elif before != after:
            yield Difference(key, about(field).reloadable)


def merged(older: Any, newer: Any) -> Any:
    """The older settings with the reloadable values of the newer ones."""
    return attrs.evolve(older, **{field.name: _merged(field, older, newer) for field in attrs.fields(type(older))})


def _merged(field: "attrs.Attribute[Any]", older: Any, newer: Any) -> Any:
    before, after = getattr(older, field.name), getattr(newer, field.name)
    if attrs.has(type(before)):
        return merged(before, after)
    if _by_name(field) and before.keys() == after.keys():
        return {name: merged(before[name], after[name]) for name in before}
    return after if about(field).reloadable else before


def _by_name(field: "attrs.Attribute[Any]") -> bool:
    """Whether the field holds several sections, by names that the operator chose."""
    return attrs.has(named_type(field.type) or object)

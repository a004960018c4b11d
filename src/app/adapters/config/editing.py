"""Writing settings to Consul, and comparing those there with what holds here."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import attrs

from app.adapters.config.building import Effective, examine
from app.adapters.config.consul import key_named, path_of
from app.adapters.config.layers import Bootstrap, Layers
from app.adapters.config.loading import source_of
from app.adapters.config.parsing import to_text
from app.adapters.config.settings import Settings
from app.adapters.config.sources import Problem, SettingsError
from app.adapters.consul.client import ConsulClient

T = TypeVar("T")

NOTHING = Effective(None, "not set")


@attrs.frozen
class Difference:
    """A setting that Consul holds and that is different without it; secrets are masked."""

    path: str
    consul: str
    here: str
    origin: str
    hidden: bool
    """Whether the value here wins over Consul's."""


def put(layers: Layers, name: str, text: str) -> str:
    """Write a setting to Consul; where it stands there.

    Raises SettingsError when it brings a problem that wasn't there before, and ConsulError.
    """
    bootstrap = _bootstrap(layers)
    key = key_named(name)
    path = path_of(key)
    bare = layers.without_above(key)

    async def write(client: ConsulClient) -> None:
        before = (await client.values()).value
        after = {**before, path: text.encode()}
        known = bare.problems(source_of(bootstrap, before))
        new = [each for each in bare.problems(source_of(bootstrap, after)) if each not in known]
        if new:
            raise SettingsError(new)
        await client.put(path, text)

    _ask(bootstrap, write)
    return f"{bootstrap.consul.prefix}/{path}"


def differences(layers: Layers) -> tuple[list[Difference], list[Problem]]:
    """What is different with Consul, and what is wrong there. Raises ConsulError."""
    bootstrap = _bootstrap(layers)

    async def read(client: ConsulClient) -> dict[str, bytes]:
        return (await client.values()).value

    source = source_of(bootstrap, _ask(bootstrap, read))
    there = examine(Settings, [source])
    here = examine(Settings, [*layers.below, *layers.above]).effective
    above = {given.key for each in layers.above for given in each.read().values}
    found = []
    for given in source.read().values:
        if given.key in there.effective:
            value, known = there.effective[given.key].value, here.get(given.key, NOTHING)
            if value != known.value:
                shown = to_text(value), to_text(known.value)
                found.append(Difference(given.name, *shown, known.origin, given.key in above))
    return found, [problem for problem in there.problems if problem.origin == source.name]


def lines(found: list[Difference]) -> Iterator[str]:
    """The differences for people."""
    for each in found:
        verb = "is hidden by" if each.hidden else "wins over"
        yield f"{each.path}: {each.consul} {verb} {each.here or 'nothing'} ({each.origin})"


def _bootstrap(layers: Layers) -> Bootstrap:
    found = layers.bootstrap()
    if found is None:
        raise SettingsError([Problem("APP_CONSUL__ADDRESS", "not set", "is required to speak to Consul")])
    return found


def _ask(bootstrap: Bootstrap, call: Callable[[ConsulClient], Awaitable[T]]) -> T:
    async def ask() -> T:
        client = ConsulClient(bootstrap.consul)
        await client.open()
        try:
            return await call(client)
        finally:
            await client.close()

    return asyncio.run(ask())

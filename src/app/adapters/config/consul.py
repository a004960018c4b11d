"""Settings out of Consul's key-value store: `<prefix>/http/port` is what APP_HTTP__PORT is in the environment."""

import asyncio
from collections.abc import Mapping

import attrs

from app.adapters.config.setting import Key, variable
from app.adapters.config.sources import Given, Problem, Reading
from app.adapters.consul.client import Answer, ConsulClient
from app.adapters.consul.settings import ConsulSettings
from app.adapters.consul.transport import ConsulError

Values = Mapping[str, bytes]
"""What Consul holds below the prefix: `http/port` -> its bytes."""

SECTION = "consul"
PATIENCE = 4.0
"""Seconds that a start waits for a Consul that it requires; the whole start is to fail within ten."""
SHORT_PATIENCE = 2.0
"""Seconds that a start waits for a Consul that it can do without."""


@attrs.frozen
class ConsulSource:
    """What was found in Consul, or kept of it; `name` says which. It doesn't ask anybody by itself."""

    name: str
    prefix: str
    values: Values = attrs.field(repr=False)

    def read(self) -> Reading:
        """The settings. One that isn't UTF-8, or says where Consul is, is a problem."""
        values, problems = [], []
        for key, value in sorted(self.values.items()):
            path = f"{self.prefix}/{key}"
            if key.partition("/")[0] == SECTION:
                problems.append(Problem(path, self.name, "stands in the environment or in .env, not in Consul"))
                continue
            try:
                values.append(Given(tuple(key.split("/")), path, self.name, value.decode(), self._spell))
            except UnicodeDecodeError:
                problems.append(Problem(path, self.name, "is not UTF-8"))
        return Reading(tuple(values), tuple(problems))

    def _spell(self, key: Key) -> str:
        return f"{self.prefix}/{path_of(key)}"


def path_of(key: Key) -> str:
    """The key in Consul, below the prefix."""
    return "/".join(key)


def key_named(name: str) -> Key:
    """The key that an operator means by `http/port`, `http.port` or `APP_HTTP__PORT`."""
    if name.startswith(variable(())):
        return tuple(name.removeprefix(variable(())).lower().split("__"))
    return tuple(name.strip("/").replace(".", "/").split("/"))


async def values_of(client: ConsulClient, prefix: str) -> Answer[Values]:
    """What Consul holds. Raises ConsulError, also when it holds nothing: a token without rights is told the same."""
    answer = await client.values()
    if not answer.value:
        raise ConsulError(f"Consul holds nothing below {prefix}/ that the token may read.", 404)
    return answer


def read_at_start(settings: ConsulSettings) -> Answer[Values]:
    """What Consul holds, asked for again each second as long as the start may wait. Raises ConsulError."""
    return asyncio.run(_read_patiently(settings))


async def _read_patiently(settings: ConsulSettings) -> Answer[Values]:
    patience = PATIENCE if settings.required else SHORT_PATIENCE
    failure = ConsulError(f"Consul at {settings.address} did not answer within {patience:g} s.")
    client = ConsulClient(settings)
    try:
        await client.open()
        async with asyncio.timeout(patience):
            while True:
                try:
                    return await values_of(client, settings.prefix)
                except ConsulError as error:
                    failure = error
                    if error.status is not None and error.status < 500:
                        raise  # to ask once more would bring nothing else
    except TimeoutError:
        raise failure from None
    finally:
        await client.close()

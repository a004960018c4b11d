"""With ACLs on, the policy of the documentation is enough, and none of its rules is idle."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.adapters.config.secret import Secret
from app.adapters.consul.client import ConsulClient
from app.adapters.consul.settings import ConsulSettings
from app.adapters.consul.transport import ConsulError
from tests.commands import command
from tests.integration.consul.agents import Agent, eventually
from tests.processes import ROOT, environment_in, service

NAME = ConsulSettings().service
RULES = re.findall(
    r"^(?:key|service|node)\w* .*$",
    (ROOT / "docs" / "consul.md").read_text().partition("```hcl\n")[2].partition("```")[0],
    re.MULTILINE,
)
SETTINGS, REGISTRATION, DISCOVERY, NODES = RULES
WRITE = 'key_prefix "app/" { policy = "write" }'


def token(agent: Agent, *rules: str) -> str:
    """A new token that may do this."""
    name = f"policy-{abs(hash(rules))}-{len(agent.call('GET', 'acl/policies'))}"
    policy = agent.call("PUT", "acl/policy", json.dumps({"Name": name, "Rules": "\n".join(rules)}).encode())
    made = agent.call("PUT", "acl/token", json.dumps({"Policies": [{"ID": policy["ID"]}]}).encode())
    return str(made["SecretID"])


@asynccontextmanager
async def speaking(agent: Agent, *rules: str) -> AsyncIterator[ConsulClient]:
    secret = await asyncio.to_thread(token, agent, *rules)
    client = ConsulClient(ConsulSettings(address=agent.url, token=Secret(secret)))
    await client.open()
    yield client
    await client.close()


async def reads_settings(client: ConsulClient) -> bool:
    return bool((await client.values()).value)


async def registers(client: ConsulClient) -> bool:
    await client.register({"ID": "here", "Name": NAME, "Port": 80, "Check": {"TTL": "60s"}})
    await client.report("here", None)
    return True


async def discovers(client: ConsulClient) -> bool:
    return bool((await client.healthy("others")).value)


USES = {
    "settings": (reads_settings, [SETTINGS]),
    "registration": (registers, [REGISTRATION]),
    "discovery": (discovers, [DISCOVERY, NODES]),
}
Use = Callable[[ConsulClient], Awaitable[bool]]


@pytest.fixture
def filled(guarded: Agent) -> Agent:
    guarded.fill({"name": "there"})
    guarded.call("PUT", "agent/service/register", json.dumps({"Name": "others", "Port": 80}).encode())
    return guarded


async def works(use: Use, client: ConsulClient) -> bool:
    try:
        return await use(client)
    except ConsulError as error:
        if error.status != 403:
            raise
        return False


@pytest.mark.parametrize("name", USES)
async def test_a_use_works_with_its_rules_and_with_none_less(filled: Agent, name: str) -> None:
    use, needed = USES[name]
    async with speaking(filled, *RULES) as client:
        assert await works(use, client)
    async with speaking(filled, *needed) as client:
        assert await works(use, client)
    for rule in needed:
        async with speaking(filled, *(each for each in RULES if each != rule)) as client:
            assert not await works(use, client)


async def test_an_instance_is_taken_out_with_the_right_to_register_it(filled: Agent) -> None:
    async with speaking(filled, REGISTRATION) as client:
        await registers(client)
        await client.deregister("here")
    assert "here" not in await asyncio.to_thread(filled.registered)


def test_the_whole_service_runs_on_the_documented_rules(tmp_path: Path, filled: Agent) -> None:
    secret = token(filled, *RULES)
    settings = {"CONSUL__ADDRESS": filled.url, "CONSUL__TOKEN": secret, "CONSUL__REQUIRED": True}
    with service(tmp_path, **settings, CONSUL__REGISTER=True) as running:
        instance = f"{NAME}-127.0.0.1-{running.url.rpartition(':')[2]}"
        eventually(lambda: instance in filled.passing(NAME))
        filled.call("PUT", f"agent/service/deregister/{instance}")
        eventually(lambda: instance in filled.passing(NAME))
        told = command("config", environment=running.environment)
        assert f"Consul {filled.url}" in told.stdout
        assert secret not in told.stdout + running.output.read_text()


def test_put_needs_the_right_to_write(tmp_path: Path, filled: Agent) -> None:
    for rule, code in ((SETTINGS, 1), (WRITE, 0)):
        environment = environment_in(tmp_path, CONSUL__ADDRESS=filled.url, CONSUL__TOKEN=token(filled, rule))
        put = command("config", "put", "http/port", "9000", environment=environment)
        assert put.returncode == code
        assert ("403" in put.stderr) == (code == 1)


@pytest.mark.parametrize("rules", [[], ['key_prefix "other/" { policy = "read" }']])
def test_a_token_without_rights_is_told_from_a_consul_that_is_away(
    tmp_path: Path, filled: Agent, rules: list[str]
) -> None:
    secret = token(filled, *rules)
    environment = environment_in(tmp_path, CONSUL__ADDRESS=filled.url, CONSUL__TOKEN=secret, CONSUL__REQUIRED=True)
    told = command("config", environment=environment).stderr
    assert "the token" in told
    assert secret not in told


def test_a_token_that_does_not_exist_is_told(tmp_path: Path, filled: Agent) -> None:
    environment = environment_in(tmp_path, CONSUL__ADDRESS=filled.url, CONSUL__TOKEN="canary", CONSUL__REQUIRED=True)
    told = command("config", environment=environment).stderr
    assert "403" in told
    assert "canary" not in told

"""Several workers are one instance in Consul: it stays through a reload, and goes when the service stops."""

import signal
from pathlib import Path

from tests.e2e.workers import served, wait_for, workers_of
from tests.integration.consul.agents import Agent, eventually
from tests.servers.kinds import Server

NAME = "template-with-workers"


def test_a_reload_keeps_the_registration_and_a_stop_takes_it_back(tmp_path: Path, own_agent: Server) -> None:
    agent = Agent(own_agent.dsn)
    agent.fill({"log/level": "INFO"})
    with served(
        tmp_path, CONSUL__ADDRESS=agent.url, CONSUL__REGISTER=True, CONSUL__SERVICE=NAME, CONSUL__TTL=30
    ) as running:  # fmt: skip
        eventually(lambda: len(agent.passing(NAME)) == 1)
        wait_for(running, "Registered as", 2)
        first = workers_of(running)
        running.process.send_signal(signal.SIGHUP)
        seen = set()
        while set(first) & set(workers_of(running)) or len(workers_of(running)) < len(first):
            seen.add(len(agent.passing(NAME)))
        assert seen == {1}
        assert "Could not deregister" not in running.output.read_text()
        running.process.terminate()
        assert running.process.wait(30) == 0
        assert len(agent.passing(NAME)) == 0

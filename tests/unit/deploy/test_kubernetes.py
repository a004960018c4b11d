"""The Kubernetes manifest fits the service: its settings, its routes and its times."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from app.adapters.config.setting import leaves, variable
from app.adapters.config.settings import Settings
from tests.commands import command
from tests.processes import ROOT, environment_in

DOCUMENTS = list(yaml.safe_load_all((ROOT / "deploy" / "kubernetes.yaml").read_text()))
POD = DOCUMENTS[0]["spec"]["template"]["spec"]
CONTAINER = POD["containers"][0]
ENVIRONMENT = {each["name"]: each["value"] for each in CONTAINER["env"]}
CLOSING = 15.0
"""Seconds left for closing what is open."""


def default_of(name: str) -> Any:
    return next(leaf.attribute.default for leaf in leaves(Settings) if variable(leaf.key) == name)


def test_every_setting_is_one_that_the_service_knows(tmp_path: Path) -> None:
    given = {name.removeprefix("APP_"): value for name, value in ENVIRONMENT.items() if name.startswith("APP_")}
    result = command("config", environment=environment_in(tmp_path, **given, AUTH__SECRET="x" * 40))
    assert result.returncode == 0, result.stderr


def test_the_command_is_one_of_the_service(tmp_path: Path) -> None:
    assert 'ENTRYPOINT ["python", "-m", "app.entrypoints"]' in (ROOT / "Dockerfile").read_text()
    result = command(*CONTAINER["args"], "--help", environment=environment_in(tmp_path))
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("probe", ["startupProbe", "livenessProbe", "readinessProbe"])
def test_probes_ask_the_admin_port_for_what_is_there(probe: str) -> None:
    asked = CONTAINER[probe]["httpGet"]
    ports = {each["name"]: each["containerPort"] for each in CONTAINER["ports"]}
    assert asked["path"] in ("/health/live", "/health/ready")
    assert ports[asked["port"]] == int(ENVIRONMENT["APP_ADMIN__PORT"])
    assert ports["http"] == int(ENVIRONMENT["APP_HTTP__PORT"])


def test_liveness_depends_on_nothing_but_the_process() -> None:
    assert CONTAINER["livenessProbe"]["httpGet"]["path"] == "/health/live"


def test_the_grace_period_is_long_enough_for_a_whole_stop() -> None:
    pause = CONTAINER["lifecycle"]["preStop"]["sleep"]["seconds"]
    times = [
        float(ENVIRONMENT.get(name, default_of(name)))
        for name in ("APP_HTTP__DRAIN_WAIT", "APP_HTTP__SHUTDOWN_TIMEOUT")
    ]
    assert POD["terminationGracePeriodSeconds"] >= pause + sum(times) + CLOSING


def test_the_container_may_do_as_little_as_can_be() -> None:
    assert POD["securityContext"]["runAsNonRoot"]
    assert f"USER {POD['securityContext']['runAsUser']}" in (ROOT / "Dockerfile").read_text()
    assert CONTAINER["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not POD["automountServiceAccountToken"]
    assert CONTAINER["resources"]["limits"]["memory"]


def test_what_the_service_writes_lies_on_a_volume() -> None:
    mounts = {each["mountPath"]: each["name"] for each in CONTAINER["volumeMounts"]}
    volumes = {each["name"] for each in POD["volumes"]}
    assert mounts[ENVIRONMENT["APP_DATA_DIR"]] in volumes
    assert mounts["/tmp"] in volumes


def test_the_service_and_the_budget_mean_these_pods() -> None:
    labels = DOCUMENTS[0]["spec"]["template"]["metadata"]["labels"]
    assert DOCUMENTS[0]["spec"]["selector"]["matchLabels"] == labels
    assert DOCUMENTS[1]["spec"]["selector"] == labels
    assert DOCUMENTS[2]["spec"]["selector"]["matchLabels"] == labels
    assert DOCUMENTS[1]["spec"]["ports"][0]["targetPort"] in {each["name"] for each in CONTAINER["ports"]}


JOB = yaml.safe_load((ROOT / "deploy" / "kubernetes-migrate.yaml").read_text())
MIGRATING = JOB["spec"]["template"]["spec"]


def test_the_job_migrates_with_what_the_service_has() -> None:
    (container,) = MIGRATING["containers"]
    assert container["args"] == ["migrate"]
    assert (container["image"], container["envFrom"]) == (CONTAINER["image"], CONTAINER["envFrom"])
    assert container["securityContext"] == CONTAINER["securityContext"]
    assert MIGRATING["securityContext"] == POD["securityContext"]
    assert not MIGRATING["automountServiceAccountToken"]


def test_no_pod_of_the_job_is_one_of_the_service() -> None:
    labels = JOB["spec"]["template"]["metadata"]["labels"]
    assert labels != DOCUMENTS[1]["spec"]["selector"]


def test_a_job_that_fails_ends() -> None:
    assert MIGRATING["restartPolicy"] == "Never"
    assert JOB["spec"]["backoffLimit"] <= 3
    assert JOB["spec"]["activeDeadlineSeconds"] <= 3600

"""docker-compose.yml and the manifests can be read and fit together, also after a storage was cut out of them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
MANIFESTS = [ROOT / "docker-compose.yml", *sorted((ROOT / "deploy").glob("*.yaml"))]


@pytest.fixture
def compose() -> Any:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


@pytest.mark.parametrize("file", MANIFESTS, ids=lambda file: file.name)
def test_every_document_can_be_read(file: Path) -> None:
    assert all(yaml.safe_load_all(file.read_text()))


def test_what_is_waited_for_is_there(compose: Any) -> None:
    for awaited in [service["depends_on"] for service in compose["services"].values() if "depends_on" in service]:
        assert awaited
        assert set(awaited) <= set(compose["services"])


def test_what_is_mounted_is_there(compose: Any) -> None:
    mounted = {volume.split(":")[0] for service in compose["services"].values() for volume in service["volumes"]}
    assert mounted == set(compose["volumes"])


def test_what_is_migrated_is_what_is_served(compose: Any) -> None:
    migrate, service = compose["services"]["migrate"], compose["services"]["service"]
    assert migrate["volumes"] == service["volumes"] == ["service:/data"]
    assert migrate["environment"] == service["environment"]

"""The alerts name metrics that the service has: one that doesn't exist would never fire."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from app.adapters.app_pages.client import AppPagesClient
from app.container import Container
from app.domain.model.events import OutboxState
from app.entrypoints.app import create_app
from app.entrypoints.serving.accounts import Accounts
from tests.e2e.service import settings_in

RULES = Path(__file__).parents[3] / "deploy" / "prometheus-rules.yaml"
_NO_METRICS = re.compile(r"\{[^}]*\}|\[[^\]]*\]|\bby \([^)]*\)")
_NAME = re.compile(r"\b[a-z]\w*\b(?! *\()")
_WORDS = {"or", "and", "by", "up"}


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    return list(group["rules"])


def metrics_of(expression: str) -> set[str]:
    """The names of series in an expression; `up` is Prometheus' own."""
    return set(_NAME.findall(_NO_METRICS.sub("", expression))) - _WORDS


def test_names_are_found_in_expressions() -> None:
    found = metrics_of('sum by (le, pool) (rate(a_total{status=~"5.."}[5m])) / b_seconds > 0.5 or absent(up)')
    assert found == {"a_total", "b_seconds"}


@pytest.fixture
async def series(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The names of all series that `serve` shows when every part has something to tell."""
    container = Container(settings=settings_in(tmp_path))
    create_app(container)
    container.relay_metrics()
    assert isinstance(container.store_pages(), AppPagesClient)
    stale = SimpleNamespace(stale=0, refused=0, applied=0, waiting=())
    monkeypatch.setattr(container.consul(), "watch", stale)
    watch = container.outbox_watch()
    watch._state, watch._has_watch = OutboxState(0, None, 0), lambda: True  # type: ignore[method-assign]
    names = {sample.name for family in container.registry().collect() for sample in family.samples}
    names |= {f"{family.name}_total" for family in container.registry().collect() if family.type == "counter"}
    names |= {f"{family.name}_bucket" for family in container.registry().collect() if family.type == "histogram"}
    return names | set(re.findall(r"^(\w+)[ {]", await Accounts().text([]), re.MULTILINE))


def test_each_alert_is_made_of_metrics_that_exist(series: set[str]) -> None:
    named = {rule["alert"]: metrics_of(rule["expr"]) for rule in rules()}
    assert {alert: names - series for alert, names in named.items() if names - series} == {}
    assert {alert for alert, names in named.items() if not names} == {"ServiceDown"}


def test_each_alert_says_what_it_is_and_how_grave() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"]["summary"]

"""The object graph: complete, consistent, made without I/O, and nothing of it made on import."""

import ast
import inspect
import socket
from pathlib import Path
from typing import Any

import attrs
import pytest
from dependency_injector import containers, providers

from app.adapters.config.loading import load_settings
from app.adapters.config.settings import StorageSettings
from app.adapters.config.sources import EnvironmentSource, SettingsError
from app.container import Container
from app.entrypoints.app import create_app
from app.parts import chosen_storage
from tests.e2e.service import SECRET

SOURCE = Path(__file__).parents[2] / "src" / "app"


def a_container(folder: Path, storage: str = "sqlite") -> Container:
    environ = {"APP_STORAGE": storage, "APP_DATA_DIR": str(folder), "APP_AUTH__SECRET": SECRET}
    return Container(settings=load_settings([EnvironmentSource(environ)]).settings)


def makers(container: containers.Container) -> list[Any]:
    """Every provider of the graph that calls a constructor."""
    every: list[Any] = list(container.traverse())
    return [found for found in every if isinstance(found, providers.Factory | providers.Singleton)]


def test_every_provider_fits_the_constructor_that_it_calls(tmp_path: Path) -> None:
    for maker in makers(a_container(tmp_path)):
        inspect.signature(maker.cls).bind(*maker.args, **maker.kwargs)


@pytest.mark.parametrize("storage", [field.name for field in attrs.fields(StorageSettings)])
def test_the_whole_graph_of_every_storage_is_made_without_io(
    tmp_path: Path, storage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("Making the graph connects to something.")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    container = a_container(tmp_path, storage)
    create_app(container)
    for name, provider in container.providers.items():
        if name != "settings":
            provider()
    assert list(tmp_path.iterdir()) == []


def test_two_containers_share_nothing(tmp_path: Path) -> None:
    one, other = a_container(tmp_path), a_container(tmp_path)
    assert one.post_service() is one.post_service()
    assert one.post_service() is not other.post_service()
    assert one.registry() is not other.registry()


def module_level_calls(file: Path) -> list[str]:
    """The names of what a module calls while it is imported, but for decorators and class bodies."""
    tree = ast.parse(file.read_text())
    calls = [
        node
        for statement in tree.body
        if isinstance(statement, ast.Assign | ast.AnnAssign | ast.Expr)
        for node in ast.walk(statement)
        if isinstance(node, ast.Call)
    ]
    return [ast.unparse(call.func) for call in calls]


RESOURCES = ("Pool", "Session", "connect", "Client", "Container", "create_app", "Registry", "get_event_loop", "open")


@pytest.mark.parametrize("file", sorted(SOURCE.rglob("*.py")), ids=lambda file: str(file.relative_to(SOURCE)))
def test_no_module_makes_a_resource_when_it_is_imported(file: Path) -> None:
    assert [name for name in module_level_calls(file) if name.rpartition(".")[2].endswith(RESOURCES)] == []


def test_a_storage_that_the_service_has_no_more_is_refused_by_name(tmp_path: Path) -> None:
    container = a_container(tmp_path)
    container.kept.override(providers.Callable(chosen_storage, "gone", sqlite=container.sqlite.provider))
    with pytest.raises(SettingsError, match=r"APP_STORAGE.*must be one of sqlite: there is no storage gone"):
        create_app(container)

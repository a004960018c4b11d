import socket
from pathlib import Path

import pytest

from app.entrypoints.serving.notify import READY, notify, reloading


@pytest.mark.parametrize("prefix", ["", "@"])
def test_the_state_is_sent_to_the_socket_of_the_service_manager(tmp_path: Path, prefix: str) -> None:
    address = f"{tmp_path}/notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0{address}" if prefix else address)
        notify(READY, {"NOTIFY_SOCKET": prefix + address})
        assert manager.recv(100) == b"READY=1"


def test_a_reload_tells_its_moment() -> None:
    state, moment = reloading().splitlines()
    assert state == "RELOADING=1"
    assert moment.partition("=")[2].isdecimal()


def test_without_a_service_manager_nothing_happens(tmp_path: Path) -> None:
    notify(READY, {})
    notify(READY, {"NOTIFY_SOCKET": str(tmp_path / "nobody")})

import os
import socket
from pathlib import Path

import attrs
import pytest

from app.adapters.config.settings import AdminSettings, HttpSettings
from app.entrypoints.http.server import ServerError
from app.entrypoints.serving.listening import ADMIN, PUBLIC, accept_waiting, bind, passed_in, sockets_for
from tests.e2e.service import settings_in
from tests.processes import free_port


def test_who_takes_a_port_that_is_taken_is_told_which_setting_to_change() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServerError, match=rf"127.0.0.1:{port}: Address already in use. Choose another APP_X"):
            bind("127.0.0.1", port, "APP_X")


def test_an_address_that_is_not_there_is_told() -> None:
    with pytest.raises(ServerError, match=r"Cannot listen on 203\.0\.113\.9:80"):
        bind("203.0.113.9", 80, "APP_X")


def test_nobody_is_let_in_before_somebody_accepts() -> None:
    (sock,) = bind("127.0.0.1", free_port(), "APP_X")
    with sock, pytest.raises(ConnectionRefusedError):
        socket.create_connection(sock.getsockname())


def test_an_admin_port_is_bound_only_where_it_is_set(tmp_path: Path) -> None:
    settings = attrs.evolve(settings_in(tmp_path), http=HttpSettings(port=free_port()))
    found = sockets_for(settings, {})
    assert list(found) == [PUBLIC]
    found[PUBLIC][0].close()
    port = free_port()
    found = sockets_for(attrs.evolve(settings, admin=AdminSettings(port=port)), {})
    assert found[ADMIN][0].getsockname() == ("127.0.0.1", port)
    for sockets in found.values():
        sockets[0].close()


def test_sockets_that_are_meant_for_another_process_are_left_alone() -> None:
    environment = {"LISTEN_PID": str(os.getpid() + 1), "LISTEN_FDS": "1", "LISTEN_FDNAMES": "http"}
    assert passed_in(environment) == {}
    assert environment == {}


def test_what_the_kernel_has_accepted_is_taken_to_the_last_and_then_no_more() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        clients = [socket.create_connection(listening.getsockname()) for _ in range(3)]
        found = list(accept_waiting(listening))
        assert sorted(each.getpeername() for each in found) == sorted(each.getsockname() for each in clients)
        for each in (*clients, *found):
            each.close()


def test_a_socket_that_does_not_listen_has_nobody_waiting() -> None:
    with socket.socket() as sock:
        assert list(accept_waiting(sock)) == []

"""The sockets to listen on: our own, or those that systemd holds for us (sd_listen_fds(3))."""

import os
import socket
from collections.abc import Iterator, Mapping, MutableMapping

import attrs

from app.adapters.config.settings import Settings
from app.entrypoints.http.server import ServerError

BACKLOG = 1024
"""Connections that the kernel keeps until somebody accepts them; it allows net.core.somaxconn at most."""

PUBLIC, ADMIN = "public", "admin"
FIRST_FD = 3

Sockets = Mapping[str, list[socket.socket]]
"""The listening sockets of each part of the service: `public`, and `admin` where that has a port."""


def sockets_for(settings: Settings, environment: MutableMapping[str, str]) -> Sockets:
    """The sockets that were passed in, or else new ones as set. Raises ServerError when one cannot be had.

    Of passed sockets those named `admin` (FileDescriptorName=) are for health and metrics. What tells of them is taken
    out of `environment`, so that no child thinks it were meant.
    """
    sockets = passed_in(environment)
    if PUBLIC not in sockets:
        sockets[PUBLIC] = bind(settings.http.host, settings.http.port, "APP_HTTP__PORT")
    admin = settings.admin
    if admin.port is not None and ADMIN not in sockets:
        sockets[ADMIN] = bind(admin.host, admin.port, "APP_ADMIN__PORT")
    if admin.port is None and ADMIN in sockets:
        raise ServerError("A socket named `admin` was passed in: set APP_ADMIN__PORT too, so that it is used.")
    return sockets


def passed_in(environment: MutableMapping[str, str]) -> dict[str, list[socket.socket]]:
    """The sockets that systemd passed to this very process."""
    pid, count, names = (environment.pop(name, "") for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"))
    if pid != str(os.getpid()) or not count.isdecimal():
        return {}
    named = names.split(":")
    found: dict[str, list[socket.socket]] = {}
    for number in range(int(count)):
        part = ADMIN if number < len(named) and named[number] == ADMIN else PUBLIC
        found.setdefault(part, []).append(socket.socket(fileno=FIRST_FD + number))
    return found


def bind(host: str, port: int, variable: str) -> list[socket.socket]:
    """Sockets on every address of `host`. Raises ServerError, naming the variable, when that fails.

    They listen when the first worker accepts: until then it is better to be refused than to wait for nobody.
    """
    try:
        return [_bound(address) for address in _addresses(host, port)]
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        raise ServerError(f"Cannot listen on {host}:{port}: {reason}. Choose another {variable}.") from error


@attrs.frozen
class _Address:
    family: int
    sockaddr: tuple[object, ...]


def _addresses(host: str, port: int) -> Iterator[_Address]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    yield from dict.fromkeys(_Address(family, sockaddr) for family, _, _, _, sockaddr in found)


def _bound(address: _Address) -> socket.socket:
    sock = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if address.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address.sockaddr)
    except OSError:
        sock.close()
        raise
    return sock


def accept_waiting(sock: socket.socket) -> Iterator[socket.socket]:
    """The connections that the kernel has accepted already and nobody has taken yet."""
    sock.setblocking(False)
    while True:
        try:
            connection, _ = sock.accept()
        except ConnectionAbortedError:  # this one is gone again
            continue
        except OSError:  # there is none (EAGAIN), or there can't be: it doesn't listen, descriptors are used up
            return
        yield connection

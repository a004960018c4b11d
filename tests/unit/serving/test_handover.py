"""The queue of connections between workers."""

import errno
import os
import socket

import pytest

from app.entrypoints.http.server import ServerError
from app.entrypoints.serving.handover import Handover


def test_a_system_without_its_sockets_is_told_what_to_use(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(errno.EPROTONOSUPPORT, os.strerror(errno.EPROTONOSUPPORT))

    monkeypatch.setattr(socket, "socketpair", refuse)
    with pytest.raises(ServerError, match=r"needs Linux.*Protocol not supported.*Use `run`"):
        Handover.make()

"""Tells systemd how the service is (sd_notify(3)), where it is run by it with Type=notify."""

import os
import socket
import time
from collections.abc import Mapping

READY = "READY=1"
STOPPING = "STOPPING=1"


def reloading() -> str:
    """What a service with Type=notify-reload says when it begins to reload; READY ends it."""
    return f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}"


def notify(state: str, environment: Mapping[str, str] = os.environ) -> None:
    """Send `state` to where NOTIFY_SOCKET points; does nothing where that is not set, or nobody listens."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address:
        return
    path = "\0" + address[1:] if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        try:
            sock.sendto(state.encode(), path)
        except OSError:
            return

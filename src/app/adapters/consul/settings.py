"""Settings of Consul. They come from the environment and from `.env` only: they say where the others may come from."""

from pathlib import Path

import attrs
from attrs.validators import ge, gt, le, matches_re, min_len

from app.adapters.config.checks import Demand, web_address
from app.adapters.config.secret import Secret
from app.adapters.config.setting import setting


def _is_header_text(secret: Secret) -> bool:
    text = secret.reveal()
    return text.isascii() and text.isprintable() and " " not in text


@attrs.frozen
class ConsulSettings:
    """Where Consul is, what is read there, and what is told to it of this service. Times are seconds."""

    address: str | None = setting(
        None, "Consul's address, such as http://127.0.0.1:8500; unset, there is none", validator=web_address
    )
    prefix: str = setting(
        "app",
        "The folder of this service's settings in Consul's key-value store",
        validator=matches_re(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*"),
    )
    datacenter: str | None = setting(None, "The datacenter to ask; the agent's own unless set", validator=min_len(1))
    token: Secret | None = setting(
        None, "The ACL token", validator=Demand("printable ASCII without spaces", _is_header_text)
    )
    ca: Path | None = setting(None, "A PEM file with the authorities to trust, in place of the system's")
    verify: bool = setting(default=True, description="Whether Consul's certificate is checked")
    timeout: float = setting(2.0, "Seconds a call to Consul may take", validator=[gt(0), le(8)])
    required: bool = setting(
        default=False,
        description="Whether the start fails without the settings in Consul; else the last known are used",
    )
    register: bool = setting(default=False, description="Whether the service registers itself in Consul")
    service: str = setting(
        "aiohttp-service-template",
        "The name to register under",
        validator=matches_re(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"),
    )
    service_address: str | None = setting(
        None, "The address that others reach this instance at; `APP_HTTP__HOST` unless set", validator=min_len(1)
    )
    service_port: int | None = setting(
        None, "The port that others reach this instance at; `APP_HTTP__PORT` unless set", validator=[ge(1), le(65535)]
    )
    service_tags: tuple[str, ...] = setting((), "Tags to register with")
    ttl: float = setting(15.0, "Seconds after which a silent instance counts as critical", validator=[ge(3), le(3600)])
    deregister_after: float = setting(
        600.0, "Seconds after which Consul removes a critical instance", validator=[ge(60), le(604800)]
    )

"""The settings of events: who receives them, and how they are passed on."""

from typing import Literal

import attrs
from attrs.validators import ge, gt, le, matches_re

from app.adapters.config.checks import Demand, min_bytes, web_address
from app.adapters.config.secret import Dsn, Secret
from app.adapters.config.setting import setting

nats_address = Demand("a URL such as nats://user:password@host:4222", lambda dsn: _is_nats(dsn))


def _is_nats(dsn: Dsn) -> bool:
    return dsn.reveal().startswith(("nats://", "tls://"))


@attrs.frozen
class WebhookSettings:
    """A receiver of events by HTTP."""

    url: str | None = setting(None, "Where events are sent to, with `webhook`", validator=web_address)
    secret: Secret | None = setting(
        None, "Signs what is sent, so that the receiver knows from whom it is", validator=min_bytes(32)
    )


@attrs.frozen
class NatsSettings:
    """A stream of NATS JetStream."""

    url: Dsn = setting(Dsn("nats://127.0.0.1:4222"), "The NATS server, with `nats`", validator=nats_address)
    stream: str = setting("posts", "The stream; made if it is missing", validator=matches_re(r"[A-Za-z0-9_-]{1,255}"))
    max_age: float = setting(
        604_800.0,
        "Seconds that a stream which the service makes keeps its events; 0 keeps them until somebody removes them",
        validator=[ge(0), le(315_360_000)],
    )
    subject: str = setting(
        "events", "What subjects begin with: `events.post.published`", validator=matches_re(r"[A-Za-z0-9_.-]{1,200}")
    )


@attrs.frozen
class EventSettings:
    """Who receives events, and how they are passed on. Times are seconds."""

    publisher: Literal["log", "webhook", "nats"] = setting("log", "Who receives events")
    relay: bool = setting(True, "Whether the service itself passes events on; else the command `relay` does")
    interval: float = setting(1.0, "Seconds between looking for events", validator=[gt(0), le(60)])
    batch: int = setting(100, "Events taken at a time", validator=[ge(1), le(10_000)])
    lease: float = setting(
        30.0, "Seconds for which a relay that died keeps others from its events", validator=[ge(2), le(3600)]
    )
    publish_timeout: float = setting(5.0, "Seconds that the receiver may take", validator=[gt(0), le(60)])
    attempts: int = setting(20, "How often an event is tried until it is given up", validator=[ge(1), le(1000)])
    longest_pause: float = setting(300.0, "Seconds between two attempts at most", validator=[ge(1), le(86400)])
    metrics_port: int | None = setting(
        None, "A port for the metrics of the command `relay`", validator=[ge(1), le(65535)]
    )
    webhook: WebhookSettings = attrs.field(factory=WebhookSettings)
    nats: NatsSettings = attrs.field(factory=NatsSettings)

"""The payload of an event as storages keep it: JSON."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from app.domain.model.events import DueEvent, Event, EventType

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def payload_text(event: Event) -> str:
    """The event's payload, to be stored."""
    return _encode(event.payload).decode()


def due_event(row: Sequence[Any], occurred_at: datetime) -> DueEvent:
    """An event as it was stored: id, type, post_id, occurred_at in the storage's own form, payload, failures."""
    id_, type_, post_id, _, payload, failures = row
    return DueEvent(Event(id_, EventType(type_), post_id, occurred_at, _decode(payload)), failures)

"""Events as lines of the log: for development, and where a log collector is the receiver."""

import logging

from app.domain.model.events import Event

logger = logging.getLogger(__name__)


class LogPublisher:
    """The port `EventPublisher` on the log."""

    async def open(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do."""

    async def publish(self, event: Event) -> None:
        logger.info(event.type.value, extra={"event_id": event.id, "post_id": event.post_id, "payload": event.payload})

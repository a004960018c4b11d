"""The HTTP kit's requests with keys, as the use cases know them."""

import secrets
from collections.abc import Awaitable, Callable

import attrs

from app.domain.model.idempotency import Attempt, KeptAnswer
from app.domain.services.idempotency import IdempotencyService
from app.entrypoints.http.keyed import KeyedRequest, SentAnswer


@attrs.frozen
class OnceOverHttp:
    """The kit's `Once`."""

    service: IdempotencyService

    async def turn(self, request: KeyedRequest) -> "HttpTurn | SentAnswer":
        """The answer that is kept, or the right to make it."""
        attempt = Attempt(request.caller, request.key, request.fingerprint, secrets.token_hex(16))
        kept = await self.service.claim(attempt)
        return HttpTurn(self.service, attempt) if kept is None else _sent(kept)


@attrs.frozen
class HttpTurn:
    """The kit's `Turn`."""

    service: IdempotencyService
    attempt: Attempt

    async def keep(self, make: Callable[[], Awaitable[SentAnswer]]) -> SentAnswer:
        """What `make` gives, kept together with all that it writes."""

        async def make_kept() -> KeptAnswer:
            sent = await make()
            return KeptAnswer(sent.status, sent.content_type, sent.headers, sent.body)

        return _sent(await self.service.keep(self.attempt, make_kept))

    async def give_up(self) -> None:
        """Let the next request with this key try."""
        await self.service.release(self.attempt)


def _sent(kept: KeptAnswer) -> SentAnswer:
    return SentAnswer(kept.status, kept.content_type, kept.headers, kept.body)

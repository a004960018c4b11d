"""Claims that lost a race against the storage itself, purging in steps, and storages that are away."""

from datetime import datetime, timedelta

import attrs
import pytest

from app.adapters.memory.store import MemoryStore
from app.adapters.storage_errors import aborted, unusable
from app.domain.errors import TransactionAborted
from app.domain.model.idempotency import Attempt, KeptAnswer
from app.domain.services.idempotency import MARGIN, STEP, IdempotencyService, JoinableTransactions
from app.domain.services.posts import PostService
from tests.builders import SOME_MOMENT, FixedClock, a_new_post
from tests.requests import in_a_request

ATTEMPT = Attempt("me", "key", "this", "token")
ANSWER = KeptAnswer(200, "", "", b"")


@attrs.define
class FakeKeys:
    """Does what it is told, and remembers until when keys were claimed."""

    failures: list[Exception] = attrs.field(factory=list)
    expired: int = 0
    until: datetime = SOME_MOMENT

    async def claim(self, attempt: Attempt, now: datetime, until: datetime) -> None:
        self.until = until
        if self.failures:
            raise self.failures.pop()

    async def keep(self, attempt: Attempt, answer: KeptAnswer, until: datetime) -> None:
        raise NotImplementedError

    async def release(self, attempt: Attempt) -> None:
        raise self.failures.pop()

    async def purge(self, now: datetime, limit: int) -> int:
        removed = min(self.expired, limit)
        self.expired -= removed
        return removed


def a_service(keys: FakeKeys) -> IdempotencyService:
    return IdempotencyService(keys, MemoryStore(), FixedClock(), 60)


async def test_a_claim_that_the_storage_gave_up_is_tried_again() -> None:
    assert await a_service(FakeKeys([aborted(), aborted()])).claim(ATTEMPT) is None
    with pytest.raises(TransactionAborted):
        await a_service(FakeKeys([aborted(), aborted(), aborted()])).claim(ATTEMPT)


async def test_a_claim_lasts_a_little_longer_than_its_request() -> None:
    keys = FakeKeys()
    with in_a_request(seconds=10):
        await a_service(keys).claim(ATTEMPT)
    assert timedelta(seconds=9) < keys.until - SOME_MOMENT <= timedelta(seconds=10 + MARGIN)


async def test_a_storage_that_is_away_doesnt_hide_why_a_key_is_given_back() -> None:
    await a_service(FakeKeys([unusable()])).release(ATTEMPT)


async def test_purging_ends_when_nothing_is_left_or_after_its_steps() -> None:
    assert await a_service(FakeKeys(expired=2 * STEP + 1)).purge() == 2 * STEP + 1
    assert await a_service(FakeKeys(expired=5 * STEP)).purge(steps=2) == 2 * STEP


async def test_a_unit_that_the_storage_gave_up_is_repeated_as_a_whole() -> None:
    store = MemoryStore()
    posts = PostService(store.posts, JoinableTransactions(store), FixedClock())
    service = IdempotencyService(store.idempotency, store, FixedClock(), 60)
    await service.claim(ATTEMPT)
    given_up = [aborted()]

    async def make() -> KeptAnswer:
        await posts.publish(a_new_post())
        if given_up:
            raise given_up.pop()
        return ANSWER

    assert await service.keep(ATTEMPT, make) == ANSWER
    assert len(store._committed.posts) == 1

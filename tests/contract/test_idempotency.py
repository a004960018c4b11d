"""What every storage promises of keys that requests carry (ports/idempotency.py)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import attrs
import pytest

from app.domain.model.idempotency import Attempt, KeptAnswer, KeyInUse, KeyReused
from app.domain.model.posts import PostQuery, TitleTaken
from app.domain.services.idempotency import IdempotencyService, JoinableTransactions
from app.domain.services.posts import PostService
from app.ports.storage import Storage
from app.ports.unit_of_work import Work
from tests.builders import SOME_MOMENT, FixedClock, a_new_feature, a_new_post

NOW = SOME_MOMENT
SOON = NOW + timedelta(seconds=5)
TOMORROW = NOW + timedelta(days=1)
BYTES = KeptAnswer(
    201, "application/json", 'Location: /posts/1\r\nETag: "1"\r\n', '{"ü": "\'%s\\"}'.encode() + b"\0\xff"
)


def an_attempt(name: str = "first", *, key: str = "a key", caller: str = "me", what: str = "this") -> Attempt:
    return Attempt(caller, key, what, name)


async def test_a_key_is_claimed_by_the_first(storage: Storage) -> None:
    assert await storage.idempotency_keys.claim(an_attempt(), NOW, SOON) is None
    with pytest.raises(KeyInUse):
        await storage.idempotency_keys.claim(an_attempt("second"), NOW, SOON)


async def test_keys_of_other_callers_are_other_keys(storage: Storage) -> None:
    for attempt in (an_attempt(), an_attempt("second", caller="you"), an_attempt("third", key="another")):
        assert await storage.idempotency_keys.claim(attempt, NOW, SOON) is None


async def test_a_kept_answer_comes_back_byte_by_byte(storage: Storage) -> None:
    await storage.idempotency_keys.claim(an_attempt(), NOW, SOON)
    await storage.idempotency_keys.keep(an_attempt(), BYTES, TOMORROW)
    assert await storage.idempotency_keys.claim(an_attempt("second"), SOON, TOMORROW) == BYTES


async def test_something_else_under_the_same_key_is_refused_before_and_after_the_answer(storage: Storage) -> None:
    await storage.idempotency_keys.claim(an_attempt(), NOW, SOON)
    with pytest.raises(KeyReused):
        await storage.idempotency_keys.claim(an_attempt("second", what="that"), NOW, SOON)
    await storage.idempotency_keys.keep(an_attempt(), BYTES, TOMORROW)
    with pytest.raises(KeyReused):
        await storage.idempotency_keys.claim(an_attempt("second", what="that"), NOW, SOON)


async def test_an_answer_is_forgotten_after_its_time(storage: Storage) -> None:
    await storage.idempotency_keys.claim(an_attempt(), NOW, SOON)
    await storage.idempotency_keys.keep(an_attempt(), BYTES, TOMORROW)
    day_after = TOMORROW + timedelta(1)
    assert await storage.idempotency_keys.claim(an_attempt("second", what="that"), TOMORROW, day_after) is None
    with pytest.raises(KeyInUse):
        await storage.idempotency_keys.claim(an_attempt("third", what="that"), TOMORROW, day_after)


async def test_a_claim_that_ran_out_is_taken_over_and_its_first_holder_keeps_nothing(storage: Storage) -> None:
    await storage.idempotency_keys.claim(an_attempt(), NOW, SOON)
    assert await storage.idempotency_keys.claim(an_attempt("second"), SOON, TOMORROW) is None
    with pytest.raises(KeyInUse):
        async with storage.transactions.begin() as work:
            await work.posts.add(a_new_post(), NOW)
            await work.idempotency.keep(an_attempt(), BYTES, TOMORROW)
    assert (await storage.posts.page(PostQuery())).total == 0
    await storage.idempotency_keys.keep(an_attempt("second"), BYTES, TOMORROW)


async def test_a_released_key_is_free_and_only_its_holder_releases_it(storage: Storage) -> None:
    await storage.idempotency_keys.claim(an_attempt(), NOW, SOON)
    await storage.idempotency_keys.release(an_attempt("second"))
    with pytest.raises(KeyInUse):
        await storage.idempotency_keys.claim(an_attempt("second"), NOW, SOON)
    await storage.idempotency_keys.release(an_attempt())
    assert await storage.idempotency_keys.claim(an_attempt("second"), NOW, SOON) is None


async def test_an_answer_is_not_released(storage: Storage) -> None:
    await storage.idempotency_keys.claim(an_attempt(), NOW, SOON)
    await storage.idempotency_keys.keep(an_attempt(), BYTES, TOMORROW)
    await storage.idempotency_keys.release(an_attempt())
    assert await storage.idempotency_keys.claim(an_attempt("second"), NOW, SOON) == BYTES


async def test_an_answer_is_kept_with_the_unit_of_work_or_not_at_all(storage: Storage) -> None:
    await storage.idempotency_keys.claim(an_attempt(), NOW, SOON)
    with pytest.raises(ZeroDivisionError):
        async with storage.transactions.begin() as work:
            await work.idempotency.keep(an_attempt(), BYTES, TOMORROW)
            raise ZeroDivisionError
    with pytest.raises(KeyInUse):
        await storage.idempotency_keys.claim(an_attempt("second"), NOW, SOON)
    async with storage.transactions.begin() as work:
        await work.idempotency.keep(an_attempt(), BYTES, TOMORROW)
    assert await storage.idempotency_keys.claim(an_attempt("second"), NOW, SOON) == BYTES


async def test_of_many_at_once_one_gets_the_key(storage: Storage) -> None:
    async def claims(number: int) -> bool:
        try:
            return await storage.idempotency_keys.claim(an_attempt(str(number)), NOW, SOON) is None
        except KeyInUse:
            return False

    assert sum(await asyncio.gather(*map(claims, range(20)))) == 1


async def test_of_many_at_once_one_takes_over_what_ran_out(storage: Storage) -> None:
    await storage.idempotency_keys.claim(an_attempt(), NOW, SOON)

    async def claims(number: int) -> bool:
        try:
            return await storage.idempotency_keys.claim(an_attempt(str(number)), SOON, TOMORROW) is None
        except KeyInUse:
            return False

    assert sum(await asyncio.gather(*map(claims, range(20)))) == 1


async def test_purging_takes_what_is_over_and_no_more_than_it_is_told(storage: Storage) -> None:
    for number in range(5):
        await storage.idempotency_keys.claim(an_attempt(key=str(number)), NOW, SOON)
    await storage.idempotency_keys.claim(an_attempt(key="lasting"), NOW, TOMORROW)
    assert [await storage.idempotency_keys.purge(SOON, 3) for _ in range(3)] == [3, 2, 0]
    with pytest.raises(KeyInUse):
        await storage.idempotency_keys.claim(an_attempt("second", key="lasting"), SOON, TOMORROW)


# What the use cases make of it, on every storage as well.


@attrs.frozen
class Subject:
    """The service of keys, and one whose writes it guards."""

    once: IdempotencyService
    posts: PostService

    async def publish(self, attempt: Attempt, title: str = "A title") -> KeptAnswer:
        """As a handler does."""
        kept = await self.once.claim(attempt)

        async def make() -> KeptAnswer:
            post = await self.posts.publish(a_new_post(title, features=[a_new_feature()]))
            return KeptAnswer(201, "", "", str(post.id).encode())

        return kept if kept is not None else await self.once.keep(attempt, make)


@pytest.fixture
def subject(storage: Storage) -> Subject:
    clock = FixedClock()
    joinable = JoinableTransactions(storage.transactions)
    return Subject(
        IdempotencyService(storage.idempotency_keys, storage.transactions, clock, 60),
        PostService(storage.posts, joinable, clock),
    )


async def test_what_is_done_and_what_is_answered_are_stored_together(subject: Subject, storage: Storage) -> None:
    first = await subject.publish(an_attempt())
    assert await subject.publish(an_attempt("second")) == first
    assert (await storage.posts.page(PostQuery())).total == 1


async def test_a_failure_after_the_writes_undoes_them_and_leaves_the_key_to_its_holder(
    subject: Subject, storage: Storage
) -> None:
    await subject.once.claim(an_attempt())

    async def make() -> KeptAnswer:
        await subject.posts.publish(a_new_post())
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await subject.once.keep(an_attempt(), make)
    assert (await storage.posts.page(PostQuery())).total == 0
    await subject.once.release(an_attempt())
    await subject.publish(an_attempt("second"))


async def test_a_commit_that_fails_keeps_no_answer(storage: Storage) -> None:
    @attrs.frozen
    class Failing:
        @asynccontextmanager
        async def begin(self) -> AsyncIterator[Work]:
            async with storage.transactions.begin() as work:
                yield work
                raise ZeroDivisionError

    once = IdempotencyService(storage.idempotency_keys, Failing(), FixedClock(), 60)
    await once.claim(an_attempt())

    async def make() -> KeptAnswer:
        return BYTES

    with pytest.raises(ZeroDivisionError):
        await once.keep(an_attempt(), make)
    with pytest.raises(KeyInUse):
        await once.claim(an_attempt("second"))


async def test_a_part_that_fails_fails_the_whole_though_the_handler_goes_on(subject: Subject, storage: Storage) -> None:
    await storage.posts.add(a_new_post("Taken"), NOW)
    await subject.once.claim(an_attempt())

    async def make() -> KeptAnswer:
        await subject.posts.publish(a_new_post("Free"))
        with pytest.raises(TitleTaken):
            await subject.posts.publish(a_new_post("Taken"))
        return BYTES

    with pytest.raises(RuntimeError):
        await subject.once.keep(an_attempt(), make)
    assert (await storage.posts.page(PostQuery())).total == 1


async def test_units_of_work_outside_of_a_whole_stand_alone(subject: Subject, storage: Storage) -> None:
    await subject.publish(an_attempt())
    await subject.posts.publish(a_new_post("Another"))
    assert (await storage.posts.page(PostQuery())).total == 2

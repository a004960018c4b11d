"""Opening in order, closing in reverse, and nothing that fails on the way keeps the rest from its turn."""

import asyncio
import logging
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import attrs
import pytest

from app.domain.errors import Unavailable
from app.entrypoints import app as module
from app.entrypoints.app import opened


@attrs.define
class Part:
    """A resource that writes down what is done to it, and fails as a test says."""

    name: str
    diary: list[str]
    opening: BaseException | None = None
    closing: BaseException | None = None
    hangs: bool = False

    async def open(self) -> None:
        self.diary.append(f"open {self.name}")
        await self._do(self.opening)

    async def close(self) -> None:
        self.diary.append(f"close {self.name}")
        await self._do(self.closing)

    async def _do(self, failure: BaseException | None) -> None:
        if failure is not None:
            raise failure
        if self.hangs:
            await asyncio.sleep(30)


def during(parts: list[Part]) -> AbstractAsyncContextManager[None]:
    return asynccontextmanager(opened)(parts)


async def test_what_is_opened_first_is_closed_last() -> None:
    diary: list[str] = []
    async with during([Part(name, diary) for name in "abc"]):
        assert diary == ["open a", "open b", "open c"]
    assert diary[3:] == ["close c", "close b", "close a"]


async def test_a_start_that_fails_half_way_closes_what_was_begun_and_no_more() -> None:
    diary: list[str] = []
    parts = [Part("a", diary), Part("b", diary, opening=Unavailable("b is away")), Part("c", diary)]
    with pytest.raises(Unavailable, match="b is away"):
        async with during(parts):
            raise AssertionError("It began to serve.")
    assert diary == ["open a", "open b", "close b", "close a"]


@pytest.mark.parametrize("failure", [ValueError("broken"), asyncio.CancelledError(), TimeoutError()])
async def test_what_cannot_be_closed_keeps_nothing_else_open(
    failure: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    diary: list[str] = []
    with caplog.at_level(logging.ERROR):
        async with during([Part("a", diary), Part("b", diary, closing=failure), Part("c", diary)]):
            pass
    assert diary[3:] == ["close c", "close b", "close a"]
    assert "Could not close Part in order" in caplog.text


async def test_a_failure_while_serving_closes_all_and_is_passed_on() -> None:
    diary: list[str] = []
    with pytest.raises(LookupError):
        async with during([Part("a", diary), Part("b", diary, closing=ValueError())]):
            raise LookupError
    assert diary[2:] == ["close b", "close a"]


async def test_opening_has_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OPEN_TIMEOUT", 0.01)
    monkeypatch.setattr(module, "CLOSE_TIMEOUT", 0.01)
    diary: list[str] = []
    with pytest.raises(TimeoutError):
        async with during([Part("a", diary), Part("b", diary, hangs=True)]):
            raise AssertionError("It began to serve.")
    assert diary == ["open a", "open b", "close b", "close a"]


async def test_closing_has_its_limit(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(module, "CLOSE_TIMEOUT", 0.01)
    diary: list[str] = []
    slow = Part("slow", diary)
    async with during([Part("a", diary), slow]):
        slow.hangs = True
    assert diary[2:] == ["close slow", "close a"]
    assert "Could not close Part in order" in caplog.text

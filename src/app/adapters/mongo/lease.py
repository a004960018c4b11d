"""A lock for as long as its holder lives: a document that the holder changes each second.

Who waits for it watches that document, and takes the lock when it has stood still for long enough. No two clocks are
compared, so that they may differ.
"""

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError, PyMongoError

from app.ports.migrations import MigrationError

BEAT = 1.0
STANDSTILL = 10.0
"""Seconds without a beat after which the holder counts as dead."""
WAIT = 60.0


class Lease:
    """The lock `name`, a document of `locks`."""

    def __init__(self, locks: "Collection[Any]", name: str) -> None:
        self._locks = locks
        self._name = name
        self._holder = uuid.uuid4().hex

    @contextmanager
    def held(self) -> Iterator[None]:
        """Wait for the lock, hold it, give it back. Raises MigrationError when others hold it for too long."""
        self._take()
        done = threading.Event()
        beating = threading.Thread(target=self._beat_until, args=(done,), daemon=True)
        beating.start()
        try:
            yield
        finally:
            done.set()
            beating.join()
            with suppress(PyMongoError):
                self._locks.delete_one({"_id": self._name, "holder": self._holder})

    def require(self) -> None:
        """Raise MigrationError if somebody else took the lock meanwhile, as happens to a process that was frozen."""
        if not self._beat():
            raise MigrationError("Another process has taken over the migrations. See how far it got: migrate --status.")

    def _take(self) -> None:
        end = time.monotonic() + WAIT
        seen: Any = None
        since = time.monotonic()
        while time.monotonic() < end:
            found = self._locks.find_one({"_id": self._name})
            if found is None:
                if self._insert():
                    return
            elif found != seen:
                seen, since = found, time.monotonic()
            elif time.monotonic() - since > STANDSTILL and self._take_from(seen):
                return
            time.sleep(0.1)
        raise MigrationError(f"Other migrations run for over {WAIT:.0f} s. Try again later.")

    def _insert(self) -> bool:
        try:
            self._locks.insert_one({"_id": self._name, "holder": self._holder, "beat": 0})
        except DuplicateKeyError:
            return False
        return True

    def _take_from(self, seen: Any) -> bool:
        taken = self._locks.update_one(seen, {"$set": {"holder": self._holder, "beat": 0}})
        return taken.modified_count == 1

    def _beat(self) -> bool:
        mine = {"_id": self._name, "holder": self._holder}
        return self._locks.update_one(mine, {"$inc": {"beat": 1}}).matched_count == 1

    def _beat_until(self, done: threading.Event) -> None:
        while not done.wait(BEAT):
            with suppress(PyMongoError):
                self._beat()

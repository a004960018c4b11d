"""Whether each pool of the storage can be used: asked in the background, logged when it changes."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence

import attrs

from app.domain.errors import Refused, Unavailable
from app.ports.health import Pool

logger = logging.getLogger(__name__)

SILENT = "the storage does not answer"
REFUSES = "the storage refuses the login"
STRANGE = "the storage fails in an unexpected way"


@attrs.define
class _State:
    problem: str | None = None
    since: float = 0.0


class PoolWatch:
    """Knows how the pools stood when they were last asked. Each has `timeout` seconds to answer."""

    def __init__(self, pools: Sequence[Pool], timeout: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._pools = pools
        self._timeout = timeout
        self._clock = clock
        self._states = {pool.name: _State() for pool in pools}

    def are_up(self) -> Mapping[str, bool]:
        """Whether each pool could be used when it was last asked."""
        return {name: state.problem is None for name, state in self._states.items()}

    async def look(self) -> str | None:
        """Ask all pools at once; what is wrong with one that is required. Raises what a ping raises unexpectedly."""
        problems = await asyncio.gather(*map(self._ask, self._pools))
        wrong = [problem for pool, problem in zip(self._pools, problems, strict=True) if pool.is_required and problem]
        return wrong[0] if wrong else None

    async def _ask(self, pool: Pool) -> str | None:
        problem: str | None = STRANGE
        message = ""
        try:
            async with asyncio.timeout(self._timeout):
                await pool.ping()
            problem = None
        except Refused as error:
            problem, message = REFUSES, error.message
        except Unavailable as error:
            problem, message = SILENT, error.message
        except TimeoutError:
            problem, message = SILENT, self._silence(pool)
        finally:
            # Also for an error that nobody expects, which who asked makes known.
            self._note(pool.name, problem, message)
        return problem

    def _silence(self, pool: Pool) -> str:
        usage = pool.usage()
        busy = f"{usage.in_use} of {usage.size} connections are in use, {usage.waiting} callers wait for one"
        return f"Check {pool.where}: no answer within {self._timeout:g} s ({busy})."

    def _note(self, name: str, problem: str | None, message: str) -> None:
        state = self._states[name]
        if problem == state.problem:
            return
        if state.problem is None:
            state.since = self._clock()
        state.problem = problem
        if problem is None:
            logger.info("Pool %s can be used again, after %.1f s.", name, self._clock() - state.since)
        elif message:
            logger.error("Pool %s cannot be used: %s. %s", name, problem, message)

"""The soak in small."""

from tests.soak.soak import soak
from tests.soak.verdict import Plan


async def test_nothing_is_lost_and_nothing_grows_while_workers_are_replaced_and_afterwards() -> None:
    """Memory is left to the whole soak: so few requests don't fill the storage's caches, which looks like growth."""
    plan = Plan(restarts=2, requests=6_000, failing=600, workers=2, seconds=120)
    told: list[str] = []
    bounds = (await soak(plan, told.append)).bounds(plan)
    assert [bound for bound in bounds if not bound.kept and "memory of a worker" not in bound.name] == []
    assert len(told) > plan.restarts

"""`make soak`: workers replaced again and again, and then the same ones for long, under good and bad requests.

Tells whether any request was lost, and whether memory, descriptors or metrics of the service grow. Ends with 1 when one
of the bounds is broken. The whole of it writes docs/soak.md; a shorter one, asked for by an option, does not.
"""

import argparse
import asyncio
import sys

from tests.processes import ROOT
from tests.soak.report import page, table
from tests.soak.soak import soak
from tests.soak.verdict import Plan

WHOLE = Plan(restarts=50, requests=200_000, failing=10_000, workers=2, seconds=1800)


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--restarts", type=int, default=WHOLE.restarts, help="of all workers, one after the other")
    parser.add_argument("--requests", type=int, default=WHOLE.requests, help="to workers that stay")
    parser.add_argument("--failing", type=int, default=WHOLE.failing, help="how many have to fail, at least")
    parser.add_argument("--workers", type=int, default=WHOLE.workers)
    parser.add_argument("--seconds", type=float, default=WHOLE.seconds, help="the most that it may take")
    plan = Plan(**vars(parser.parse_args()))
    outcome = await soak(plan, lambda line: print(line, flush=True))
    bounds = outcome.bounds(plan)
    print(table(bounds))
    if plan == WHOLE:
        (ROOT / "docs/soak.md").write_text(page(plan, outcome, bounds))
    broken = [bound for bound in bounds if not bound.kept]
    for bound in broken:
        print(f"BROKEN: {bound.name}: {bound.measured}, not {bound.limit}")
    return 1 if broken else 0


sys.exit(asyncio.run(main()))

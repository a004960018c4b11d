"""The places of an upstream's calls."""

import pytest

from app.adapters.http.bulkhead import Bulkhead
from app.adapters.http.errors import BulkheadFull


def test_who_finds_no_place_is_refused_at_once() -> None:
    bulkhead = Bulkhead("upstream", 2)
    with bulkhead.place(), bulkhead.place(), pytest.raises(BulkheadFull), bulkhead.place():
        pass
    assert bulkhead.taken == 0


def test_a_failing_call_gives_its_place_back() -> None:
    bulkhead = Bulkhead("upstream", 1)
    for _ in range(3):
        with pytest.raises(KeyError), bulkhead.place():
            raise KeyError
    assert bulkhead.taken == 0

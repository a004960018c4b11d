"""How tests are spread over the processes that run them."""

import pytest


@pytest.mark.xdist_group("together")
def test_tests_of_one_group_share_a_process(request: pytest.FixtureRequest) -> None:
    """xdist knows a group by what it adds to the test's id; without it every process starts every server."""
    if request.config.getoption("loadgroup", default=False):
        assert request.node.nodeid.endswith("@together")

"""What happens when something that a test needs is not on this machine."""

import os
from typing import NoReturn

import pytest


def skip_or_fail(server: str, what_to_do: str) -> NoReturn:
    """Skip the test; where STRICT_SERVERS (a list with commas) names `server`, fail it."""
    if server in os.environ.get("STRICT_SERVERS", "").split(","):
        pytest.fail(f"{server} is required here and missing: {what_to_do}.")
    pytest.skip(f"{server} is not here: {what_to_do}.")

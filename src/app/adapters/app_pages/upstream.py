"""Where app_pages is."""

import logging

from app.adapters.http.fixed import FixedUpstream, UnsetUpstream
from app.adapters.http.upstream import Upstream

logger = logging.getLogger(__name__)

STAND_IN = "http://127.0.0.1:8010"
"""Where `make upstream` serves."""


def app_pages_at(url: str | None, *, in_dev: bool) -> Upstream:
    """The upstream at this URL. Without one, it is the stand-in in development, and elsewhere an error that says so."""
    if url is None and in_dev:
        logger.info(
            "APP_APP_PAGES__URL is not set; a stand-in is expected at %s: start it with make upstream.", STAND_IN
        )
        return FixedUpstream(STAND_IN)
    if url is None:
        logger.warning("APP_APP_PAGES__URL is not set: the store pages answer 503.")
        return UnsetUpstream("There are no store pages here now.")
    return FixedUpstream(url)

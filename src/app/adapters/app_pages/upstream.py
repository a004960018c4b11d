"""Where app_pages is."""

from app.adapters.http.fixed import FixedUpstream, UnsetUpstream
from app.adapters.http.upstream import Upstream

STAND_IN = "http://127.0.0.1:8010"
"""Where `make upstream` serves."""


def app_pages_at(url: str | None, *, in_dev: bool) -> Upstream:
    """The upstream at this URL. Without one, it is the stand-in in development, and elsewhere an error that says so."""
    if url is not None:
        return FixedUpstream(url)
    return FixedUpstream(STAND_IN) if in_dev else UnsetUpstream("There are no store pages here now.")


def what_is_missing(url: str | None, *, in_dev: bool) -> str | None:
    """What whoever starts the service should know, if anything."""
    if url is not None:
        return None
    if in_dev:
        return f"APP_APP_PAGES__URL is not set; a stand-in is expected at {STAND_IN}: start it with make upstream."
    return "APP_APP_PAGES__URL is not set: the store pages answer 503."

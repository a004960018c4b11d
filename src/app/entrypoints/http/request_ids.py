"""Every request has an id: the caller's, when it is a sane one, or one made here."""

import itertools
import re
import secrets

_SANE = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")


class RequestIds:
    """Makes ids that are unique over processes and restarts: a random prefix and a counter, far cheaper than a UUID."""

    def __init__(self) -> None:
        self._prefix = secrets.token_hex(8)
        self._counter = itertools.count(1)

    def id_for(self, offered: str | None) -> str:
        """The id that the caller offered, if it is safe to log and to send back; else a new one."""
        if offered is not None and _SANE.fullmatch(offered):
            return offered
        return f"{self._prefix}-{next(self._counter):08x}"

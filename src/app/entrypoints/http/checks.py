"""Checks a value against its field's constraints, with a message that tells the limit."""

import re
from collections.abc import Callable
from typing import Any

from app.entrypoints.http.constraints import NO_CONSTRAINTS, Constraints
from app.entrypoints.http.scalars import Refused
from app.entrypoints.http.signature import MountError

Check = Callable[[Any], None]


def checked(limits: Constraints) -> Check | None:
    """Raises Refused for a value out of its limits; None, and so no call, where there are no limits."""
    if limits == NO_CONSTRAINTS:
        return None
    if limits.custom:
        raise MountError("A validator function can't be described: use attrs' own validators, or check in the domain.")
    checks = [
        check
        for check in (_bounds(limits), _lengths(limits), _pattern(limits), _choices(limits), _items(limits))
        if check
    ]

    def check(value: Any) -> None:
        if value is not None:
            for each in checks:
                each(value)

    return check


def _bounds(limits: Constraints) -> Check | None:
    least, over, most, under = limits.ge, limits.gt, limits.le, limits.lt
    if least is over is most is under is None:
        return None

    def check(value: Any) -> None:
        if (least is not None and value < least) or (over is not None and value <= over):
            bound = least if least is not None else over
            raise Refused(
                "TOO_SMALL",
                f"Send at least {least}." if least is not None else f"Send more than {over}.",
                {"min": bound},
            )
        if (most is not None and value > most) or (under is not None and value >= under):
            bound = most if most is not None else under
            raise Refused(
                "TOO_LARGE", f"Send at most {most}." if most is not None else f"Send less than {under}.", {"max": bound}
            )

    return check


def _lengths(limits: Constraints) -> Check | None:
    least, most = limits.min_len, limits.max_len
    if least is None and most is None:
        return None

    def check(value: Any) -> None:
        if least is not None and len(value) < least:
            raise Refused("TOO_SHORT", f"Send at least {_counted(least, value)}.", {"min": least})
        if most is not None and len(value) > most:
            raise Refused("TOO_LONG", f"Send at most {_counted(most, value)}.", {"max": most})

    return check


def _counted(count: int, value: Any) -> str:
    """So many of what the value is made of."""
    unit = "character" if isinstance(value, str) else "item"
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def _pattern(limits: Constraints) -> Check | None:
    if limits.pattern is None:
        return None
    pattern = re.compile(limits.pattern)

    def check(value: Any) -> None:
        if not pattern.fullmatch(value):
            raise Refused("WRONG_PATTERN", f"Send text of the form {pattern.pattern}.", {"pattern": pattern.pattern})

    return check


def _choices(limits: Constraints) -> Check | None:
    choices = limits.choices
    if choices is None:
        return None

    def check(value: Any) -> None:
        if value not in choices:
            raise Refused("NOT_A_CHOICE", f"Send one of: {', '.join(map(str, choices))}.", {"choices": list(choices)})

    return check


def _items(limits: Constraints) -> Check | None:
    inner = checked(limits.item) if limits.item is not None else None
    if inner is None:
        return None

    def check(values: Any) -> None:
        for value in values:
            inner(value)

    return check

"""What is filed under path templates, found by the segments of a path: a thousand templates cost what ten do."""

import re
from typing import Generic, TypeVar

T = TypeVar("T")

_PLAIN = re.compile(r"[A-Za-z0-9._~-]*")


def is_plain(segment: str) -> bool:
    """Whether a template's segment is text that a path can hold in one form only."""
    return _PLAIN.fullmatch(segment) is not None


class Segments(Generic[T]):
    """What follows a part of a path: by the next segment, whatever the next segment is, and what ends here."""

    __slots__ = ("any", "ends", "named")

    def __init__(self) -> None:
        self.named: dict[str, Segments[T]] = {}
        self.any: Segments[T] | None = None
        self.ends: list[T] = []

    def add(self, template: str, filed: T) -> None:
        """File something under a template."""
        node = self
        for segment in template.split("/"):
            node = node._below(segment)
        node.ends.append(filed)

    def only(self, segments: list[str]) -> T | None:
        """What alone may belong to a path; None where that is nothing, or may be several."""
        node = self
        for segment in segments:
            named = node.named.get(segment)
            if named is not None and node.any is not None:
                return None
            following = named or node.any
            if following is None:
                return None
            node = following
        return node.ends[0] if len(node.ends) == 1 else None

    def candidates(self, segments: list[str]) -> list[T]:
        """All that may belong to a path, that which names more of it first."""
        nodes = [self]
        for segment in segments:
            following = []
            for node in nodes:
                named = node.named.get(segment)
                if named is not None:
                    following.append(named)
                if node.any is not None:
                    following.append(node.any)
            nodes = following
        return [filed for node in nodes for filed in node.ends]

    def _below(self, segment: str) -> "Segments[T]":
        """The node of a template's segment. One that may be written in several ways leads where parameters do."""
        if is_plain(segment):
            return self.named.setdefault(segment, Segments())
        if self.any is None:
            self.any = Segments()
        return self.any

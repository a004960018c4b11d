"""A handler's signature, read once at mount: the contract that binding and OpenAPI both follow."""

import inspect
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, get_type_hints

import attrs

from app.entrypoints.http.definition import Definition

PATH_NAME = re.compile(r"{([A-Za-z_][A-Za-z0-9_]*)}")
SPECIAL = ("query", "headers", "body", "request", "caller")


class MountError(Exception):
    """A route cannot be served as it is declared; the message says which one, and what to change."""


@contextmanager
def of_route(route: str) -> Iterator[None]:
    """Tell which route it is that a MountError from within is about."""
    try:
        yield
    except MountError as error:
        raise MountError(f"{route}: {error}") from error


@attrs.frozen
class Signature:
    """The types of a handler's arguments: by path name, and of its query, headers and body where it takes them."""

    path: Mapping[str, Any]
    query: Any = None
    headers: Any = None
    body: Any = None
    takes_request: bool = False
    takes_caller: bool = False


@attrs.frozen
class Operation:
    """One method of one route, mounted: what is served, and what the documentation describes."""

    method: str
    path: str
    operation_id: str
    definition: Definition
    signature: Signature
    handler: Callable[..., Awaitable[Any]]


def read_signature(handler: Callable[..., Awaitable[Any]], declared: Definition) -> Signature:
    """The signature of a bound handler; raises MountError for an argument that nothing can fill."""
    names = PATH_NAME.findall(declared.path)
    hints = get_type_hints(handler)
    arguments = list(inspect.signature(handler).parameters)
    for name in arguments:
        if name not in names and name not in SPECIAL:
            raise MountError(f"{_name(handler)}: `{name}` is none of {', '.join(SPECIAL)}, nor in {declared.path}.")
        if name not in hints and name != "request":
            raise MountError(f"{_name(handler)}: give `{name}` a type.")
    for name in names:
        if name not in arguments:
            raise MountError(f"{_name(handler)}: {declared.path} has {{{name}}}, the handler doesn't take it.")
    taken = {name: hints.get(name) for name in arguments}
    return Signature(
        path={name: taken[name] for name in names},
        query=taken.get("query"),
        headers=taken.get("headers"),
        body=taken.get("body"),
        takes_request="request" in taken,
        takes_caller="caller" in taken,
    )


def _name(handler: Callable[..., Any]) -> str:
    return getattr(handler, "__qualname__", repr(handler))

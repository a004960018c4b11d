"""Mounts handlers: reads what is declared above each method, checks it, and composes the way of its requests."""

import re
from collections.abc import Iterable, Iterator
from types import MethodType

from aiohttp import HttpVersion11, web

from app.context import request_id
from app.entrypoints.http.admission import NO_LIMIT
from app.entrypoints.http.binding import CallLimits, bind
from app.entrypoints.http.definition import Definition, definition_of
from app.entrypoints.http.direct import DIRECT, DirectRoutes
from app.entrypoints.http.endpoint import HttpKit, answering, error_response, served, stream_headers
from app.entrypoints.http.errors import HttpError
from app.entrypoints.http.idempotency import answered_once
from app.entrypoints.http.reply import renderer, success_of
from app.entrypoints.http.route_index import resource_at
from app.entrypoints.http.signature import MountError, Operation, of_route, read_signature
from app.entrypoints.http.unmatched import Unmatched

OPERATIONS: web.AppKey[list[Operation]] = web.AppKey("operations", list)


def setup_routes(app: web.Application, kit: HttpKit, handlers: Iterable[object], base_path: str = "") -> None:
    """Mount every declared method of `handlers` below `base_path`.

    Raises MountError for a route that cannot be served as it is declared: an argument that nothing fills, a type
    that has no strict converter, a missing `access`, two success statuses, a path that is taken.
    """
    if OPERATIONS not in app:
        app[OPERATIONS], app[DIRECT] = [], DirectRoutes()
        app.on_response_prepare.append(stream_headers(kit))
    operations = app[OPERATIONS]
    for handler, declared in _declared(handlers):
        for method in declared.methods:
            operation = _operation(method, base_path, handler, declared)
            _refuse_twice(operation, operations)
            operations.append(operation)
            with of_route(f"{method} {operation.path}"):
                _mount(app, kit, operation, base_path)


def setup_unmatched(app: web.Application, kit: HttpKit) -> None:
    """Answer every request that no route serves with 404, or with 405 and the methods that are allowed."""
    app.router.register_resource(Unmatched(app.router, kit))


def _declared(handlers: Iterable[object]) -> Iterator[tuple[MethodType, Definition]]:
    for group in handlers:
        # In the order of the source, which is the order of the documentation.
        members = {name: member for class_ in reversed(type(group).__mro__) for name, member in vars(class_).items()}
        for name, member in members.items():
            declared = definition_of(member)
            if declared is not None and not declared.disabled:
                yield getattr(group, name), declared


def _operation(method: str, base_path: str, handler: MethodType, declared: Definition) -> Operation:
    name = declared.operation_id or handler.__name__
    operation_id = name if len(declared.methods) == 1 else f"{method.lower()}_{name}"
    signature = read_signature(handler, declared)
    return Operation(method, base_path + declared.path, operation_id, declared, signature, handler)


def _refuse_twice(operation: Operation, mounted: list[Operation]) -> None:
    for other in mounted:
        if (other.method, other.path) == (operation.method, operation.path):
            raise MountError(f"{operation.method} {operation.path} is declared twice.")
        if other.operation_id == operation.operation_id:
            raise MountError(f"Two operations are called {operation.operation_id}: give one an operation_id.")


def _mount(app: web.Application, kit: HttpKit, operation: Operation, base_path: str) -> None:
    declared = operation.definition
    if declared.access is None:
        raise MountError("say who may call it: access=public or requires(…).")
    is_raw = success_of(declared)[1].kind == "raw"
    render = renderer(declared, base_path)
    handler, signature = operation.handler, operation.signature
    if declared.idempotent:
        handler, signature = answered_once(operation, kit, render)
    limits = CallLimits(kit.admission if declared.limited else NO_LIMIT, kit.body)
    call = bind(handler, signature, limits, any_query=is_raw)
    answer = answering(call, render, declared, kit)
    endpoint = served(answer, kit, operation.method, operation.path, declared)
    app[DIRECT].add(operation, endpoint)
    resource = resource_at(app, _pattern(operation))
    resource.add_route(operation.method, endpoint, expect_handler=continue_or_refuse)
    if operation.method == "GET":
        resource.add_route("HEAD", endpoint, expect_handler=continue_or_refuse)


def _pattern(operation: Operation) -> str:
    """The router's form of the path: an integer is made of ASCII digits, so that anything else is no such path."""
    path = operation.path
    for name, type_ in operation.signature.path.items():
        if type_ is int:
            path = re.sub(rf"{{{name}}}", f"{{{name}:[0-9]{{1,19}}}}", path)
    return path


async def continue_or_refuse(request: web.Request) -> web.StreamResponse | None:
    """Tells the client to go on sending its body (RFC 9110, section 10.1.1), or that nothing else can be expected."""
    if request.headers.get("Expect", "").lower() != "100-continue":
        error = HttpError(417, "EXPECTATION_FAILED", "Send no Expect header but 100-continue.")
        return error_response(request, error, request_id() or "")
    if request.version == HttpVersion11:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
    return None

"""The OpenAPI 3.1 document of what is mounted, made once at start by apispec with a plugin for attrs classes."""

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs
from apispec import APISpec, BasePlugin

from app.entrypoints.http.accept import PROBLEM_JSON
from app.entrypoints.http.converters import header_name
from app.entrypoints.http.definition import Definition, ResponseDefinition
from app.entrypoints.http.possible_answers import answers_of
from app.entrypoints.http.schema import Schema, Schemas
from app.entrypoints.http.shared_parts import FOR_EVERY_OPERATION, IDEMPOTENCY_KEY, answer_headers, register
from app.entrypoints.http.signature import Operation, of_route
from app.entrypoints.http.wire_schemas import ERROR, PAGINATION, PROBLEM

BEARER = "bearer"
A_PAGE = {"limit": 20, "offset": 0, "total": 1, "next_cursor": None}


@attrs.frozen
class ApiInfo:
    """What the document says of the service itself. `servers` are base URLs; without any, it is the page's own host.

    `metered`: whether callers are told how often they may ask; `authentication`: where they get a token.
    """

    title: str
    version: str
    description: str = ""
    servers: Sequence[str] = ()
    metered: bool = False
    authentication: str = ""


class AttrsPlugin(BasePlugin):
    """Puts a reference to a component wherever an attrs class, or any other type, stands for a schema."""

    def __init__(self) -> None:
        self.schemas: Schemas

    def init_spec(self, spec: APISpec) -> None:
        self.schemas = Schemas(lambda name, schema: spec.components.schema(name, schema))

    def operation_helper(self, path: str | None = None, operations: dict[Any, Any] | None = None, **_: Any) -> None:
        for operation in (operations or {}).values():
            for part in ("requestBody", "responses"):
                if part in operation:
                    operation[part] = self._resolved(operation[part])

    def _resolved(self, part: Any) -> Any:
        """The same part of the document, with a schema in the place of every type."""
        if isinstance(part, Mapping):
            return {name: value if name == "example" else self._resolved(value) for name, value in part.items()}
        # Whatever is no JSON stands for a type: a class, a generic one, a union.
        return part if isinstance(part, str | bool | list) else self.schemas.of(part)


def build_openapi(operations: Iterable[Operation], info: ApiInfo) -> dict[str, Any]:
    """The document. Raises MountError when two classes would have one name, or a type has no schema."""
    plugin = AttrsPlugin()
    spec = APISpec(
        info.title,
        info.version,
        "3.1.0",
        plugins=[plugin],
        info={"description": f"{info.description}\n\n{FOR_EVERY_OPERATION}".strip()},
    )
    register(spec)
    if info.servers:
        spec.options["servers"] = [{"url": url} for url in info.servers]
    told = {"description": info.authentication} if info.authentication else {}
    spec.components.security_scheme(BEARER, {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", **told})
    for name, schema in (("Error", ERROR), ("Problem", PROBLEM), ("Pagination", PAGINATION)):
        spec.components.schema(name, schema)
    by_path: dict[str, dict[str, Any]] = {}
    for operation in operations:
        with of_route(f"{operation.method} {operation.path}"):
            by_path.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, plugin, info)
    for path, described in by_path.items():
        with of_route(path):
            spec.path(path=path, operations=described)
    return spec.to_dict()


def _operation(operation: Operation, plugin: AttrsPlugin, info: ApiInfo) -> dict[str, Any]:
    declared = operation.definition
    summary, _, description = inspect.cleandoc(declared.description or "").partition("\n")
    described: dict[str, Any] = {
        "operationId": operation.operation_id,
        "tags": list(declared.tags),
        "summary": declared.summary or summary.rstrip("."),
        "parameters": list(_parameters(operation, plugin)),
        "responses": {
            status.upper(): _response(declared, status, answer, info)
            for status, answer in answers_of(operation, metered=info.metered).items()
        },
    }
    if declared.idempotent:
        described["parameters"].append(IDEMPOTENCY_KEY)
    if declared.summary:
        description = inspect.cleandoc(declared.description or "")
    if description:
        described["description"] = description.strip()
    if declared.deprecated:
        described["deprecated"] = True
    if operation.signature.body is not None:
        media: dict[str, Any] = {"schema": operation.signature.body}
        if declared.body_example is not None:
            media["example"] = declared.body_example
        described["requestBody"] = {"required": True, "content": {"application/json": media}}
    if declared.access is not None and not declared.access.is_public:
        described["security"] = [{BEARER: sorted(declared.access.scopes or ())}]
    return described


def _parameters(operation: Operation, plugin: AttrsPlugin) -> Iterable[dict[str, Any]]:
    for name, type_ in operation.signature.path.items():
        schema = plugin.schemas.of(type_)
        # The route itself takes digits only, so that a negative number is no path at all.
        parameter = {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {**schema, "minimum": 0} if type_ is int else schema,
        }
        if name in operation.definition.parameters:
            parameter["description"] = operation.definition.parameters[name]
        yield parameter
    for place, type_ in (("query", operation.signature.query), ("header", operation.signature.headers)):
        for name, schema, is_required in plugin.schemas.fields_of(type_) if type_ is not None else ():
            shown = header_name(name) if place == "header" else name
            parameter = {"name": shown, "in": place, "required": is_required, "schema": _without_null(schema)}
            if "description" in schema:
                parameter["description"] = schema.pop("description")
            yield parameter


def _without_null(schema: Schema) -> Schema:
    """Text can't be null: an optional parameter is simply left out."""
    if isinstance(schema.get("type"), list):
        return {**schema, "type": next(kind for kind in schema["type"] if kind != "null")}
    if {"type": "null"} in schema.get("anyOf", ()):
        rest = {key: value for key, value in schema.items() if key != "anyOf"}
        return {**next(part for part in schema["anyOf"] if part != {"type": "null"}), **rest}
    return schema


def _response(declared: Definition, status: str, answer: ResponseDefinition, info: ApiInfo) -> dict[str, Any]:
    own = {name: {"description": text, "schema": {"type": "string"}} for name, text in answer.headers.items()}
    headers = {**dict(answer_headers(declared, status, metered=info.metered)), **own}
    described: dict[str, Any] = {"description": answer.description or "Success", "headers": headers}
    if answer.kind != "empty":
        described["content"] = _content(answer)
    return described


def _content(answer: ResponseDefinition) -> dict[str, Any]:
    match answer.kind:
        case "error":
            shown = {} if answer.example is None else {"example": answer.example}
            return {
                "application/json": {"schema": {"$ref": "#/components/schemas/Error"}, **shown},
                PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}},
            }
        case "raw":
            return {answer.content_type: {"schema": {}}}
        case "pagination":
            page = {
                "result": {"type": "array", "items": answer.view},
                "pagination": {"$ref": "#/components/schemas/Pagination"},
            }
            return _envelope(page, {"result": [answer.example], "pagination": A_PAGE}, answer)
        case _:
            return _envelope({"result": answer.view}, {"result": answer.example}, answer)


def _envelope(properties: dict[str, Any], example: dict[str, Any], answer: ResponseDefinition) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {"success": {"const": True}, **properties},
        "required": ["success", *properties],
        "additionalProperties": False,
    }
    media: dict[str, Any] = {"schema": schema}
    if answer.example is not None:
        media["example"] = {"success": True, **example}
    return {"application/json": media}

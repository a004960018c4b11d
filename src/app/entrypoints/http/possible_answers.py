"""The answers that a route can give without declaring them, for the document: its kit gives them."""

from collections.abc import Iterator, Mapping

from app.entrypoints.http.definition import ResponseDefinition, response_error
from app.entrypoints.http.signature import Operation

CHALLENGE = {"WWW-Authenticate": "What is wrong with the token (RFC 6750)"}


def answers_of(operation: Operation, *, metered: bool) -> Mapping[str, ResponseDefinition]:
    """Every answer by status: those declared, those that the kit gives, and the wildcards for what is left."""
    declared = operation.definition.responses
    every = {**dict(_given_by_the_kit(operation, metered=metered)), **declared}
    return dict(sorted(every.items(), key=lambda each: (each[0].lower().endswith("xx"), each[0])))


def _given_by_the_kit(operation: Operation, *, metered: bool) -> Iterator[tuple[str, ResponseDefinition]]:
    signature, declared = operation.signature, operation.definition
    if declared.access is not None and not declared.access.is_public:
        yield "401", _refusal("UNAUTHORIZED", "There is no valid token", CHALLENGE)
        if declared.access.scopes:
            yield "403", _refusal("FORBIDDEN", "The token lacks a scope", CHALLENGE)
    if signature.path:
        yield "404", _refusal("NOT_FOUND", "There is no such thing")
    if declared.idempotent:
        yield "409", response_error("A request with this key is at work")
    if signature.body is not None:
        yield "400", response_error("The body is no JSON")
        yield "413", _refusal("BODY_TOO_LARGE", "The body is too large")
        yield "415", _refusal("UNSUPPORTED_MEDIA_TYPE", "The body is of another type than JSON")
    if signature.body is not None or signature.query is not None or signature.headers is not None:
        yield "422", response_error("Something in the request is not as described; `errors` names each field")
    if declared.limited:
        if metered:
            yield "429", _refusal("TOO_MANY_REQUESTS", "The caller asks too often")
        yield "503", _refusal("OVERLOADED", "Too much is going on, or what is needed is away")


def _refusal(code: str, description: str, headers: Mapping[str, str] | None = None) -> ResponseDefinition:
    """An error whose example has the code that it comes with; its message only says the like."""
    message = f"{description}."
    example = {
        "success": False,
        "code": code,
        "message": message,
        "errors": [{"code": code, "message": message}],
        "meta": {"request_id": "8f2d40c1a9be6673-00000001"},
    }
    return response_error(description, headers=headers, example=example)

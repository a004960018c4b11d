"""How a request fails: a status, a stable code, a message that tells the caller what to do, and the fields at fault."""

from collections.abc import Mapping, Sequence

import attrs


@attrs.frozen
class Violation:
    """One thing wrong with a request. `field_name` is its path: `features[0].feature_name`, `limit`, `If-Match`."""

    code: str
    message: str
    field_name: str | None = None
    meta: Mapping[str, object] | None = None


class HttpError(Exception):
    """An answer other than success. `message` and `errors` go to the caller as they are."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        errors: Sequence[Violation] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.errors = errors or (Violation(code, message),)
        self.headers = headers or {}


class ValidationFailed(HttpError):
    """The request was understood, and these fields of it are not acceptable (422)."""

    def __init__(self, errors: Sequence[Violation]) -> None:
        super().__init__(422, "VALIDATION_ERROR", "Correct the fields named in `errors`.", errors=errors)


def not_found() -> HttpError:
    """404 for a path that is not there."""
    return HttpError(404, "NOT_FOUND", "There is nothing at this path.")


class MalformedRequest(HttpError):
    """The request could not be read at all (400), such as a body that is not JSON."""

    def __init__(self, code: str, message: str, *, field_name: str | None = None) -> None:
        super().__init__(400, code, message, errors=(Violation(code, message, field_name),))

"""Errors of the domain: each with a code of its own that callers may rely on."""

import pytest

from app.domain.errors import Conflict, DomainError, Invalid, NotFound, Stale, TransactionAborted, Unavailable
from app.domain.model.paging import InvalidCursor
from app.domain.model.posts import PostChanged, PostNotFound, TitleTaken
from app.domain.model.store_pages import AppNotFound, DeveloperNotFound
from app.domain.services.posts import CursorWithOffset

ERRORS: list[tuple[type[DomainError], type[DomainError], str]] = [
    (PostNotFound, NotFound, "POST_NOT_FOUND"),
    (TitleTaken, Conflict, "TITLE_TAKEN"),
    (PostChanged, Stale, "POST_CHANGED"),
    (InvalidCursor, Invalid, "INVALID_CURSOR"),
    (AppNotFound, NotFound, "APP_NOT_FOUND"),
    (DeveloperNotFound, NotFound, "DEVELOPER_NOT_FOUND"),
    (CursorWithOffset, Invalid, "CURSOR_WITH_OFFSET"),
    (TransactionAborted, Unavailable, "TRANSACTION_ABORTED"),
]


@pytest.mark.parametrize(("error", "kind", "code"), ERRORS)
def test_an_error_is_of_its_kind_and_has_its_code(error: type[DomainError], kind: type[DomainError], code: str) -> None:
    assert issubclass(error, kind)
    assert code == error.code


def test_an_error_says_what_to_do_and_names_the_field() -> None:
    error = TitleTaken("Choose another title.", field_name="title")

    assert (error.message, error.field_name, str(error)) == ("Choose another title.", "title", "Choose another title.")


def test_an_error_of_no_field_names_none() -> None:
    assert PostNotFound("There is no post 1.").field_name is None

"""How paths and parameters are written into a URL."""

from datetime import UTC, datetime

import pytest

from app.adapters.http.errors import UpstreamMissing
from app.adapters.http.parameters import Parameter, path_of, query_of
from app.domain.model.store_pages import Store


@pytest.mark.parametrize(
    ("part", "written"),
    [("a", "a"), ("a/b", "a%2Fb"), ("?x=1#y", "%3Fx%3D1%23y"), ("ü é", "%C3%BC%20%C3%A9"), ("%2e", "%252e"),
     ("...", "..."), ("a\r\nb", "a%0D%0Ab"), ("..%2f", "..%252f"), ("\\", "%5C"), ("@", "%40")],
)  # fmt: skip
def test_a_part_of_a_path_stays_one(part: str, written: str) -> None:
    assert path_of(("v1", part)) == f"/v1/{written}"


@pytest.mark.parametrize("part", ["", ".", ".."])
def test_a_part_that_leads_elsewhere_names_nothing(part: str) -> None:
    with pytest.raises(UpstreamMissing):
        path_of(("v1", part, "name"))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, ""),
        (1, "it=1"),
        (1.5, "it=1.5"),
        (True, "it=true"),
        ("a&b=c", "it=a%26b%3Dc"),
        ("", "it="),
        (["a", "b c"], "it=a,b%20c"),
        ((1, False), "it=1,false"),
        ([], "it="),
        (Store.IOS, "it=ios"),
        ([Store.IOS, Store.AMAZON], "it=ios,amazon"),
        (datetime(2026, 1, 2, tzinfo=UTC), "it=2026-01-02T00%3A00%3A00%2B00%3A00"),
    ],
)
def test_a_parameter_is_written_by_its_type(value: Parameter, written: str) -> None:
    assert query_of({"it": value}) == written


def test_parameters_are_joined_and_none_is_left_out() -> None:
    assert query_of({"a": 1, "b": None, "c d": "e"}) == "a=1&c%20d=e"


def test_an_item_with_a_comma_is_an_error_of_the_program() -> None:
    with pytest.raises(ValueError, match="comma"):
        query_of({"ids": ["a,b"]})

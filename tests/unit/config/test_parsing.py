import enum
from pathlib import Path
from typing import Any, Literal

import pytest

from app.adapters.config.parsing import parse, to_text
from app.adapters.config.secret import Dsn, Secret


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@pytest.mark.parametrize(
    ("tp", "text", "value"),
    [
        (str, "", ""),
        (str, " a b ", " a b "),
        (int, "-5", -5),
        (int, "+07", 7),
        (float, "2", 2.0),
        (float, "0.25", 0.25),
        (Path, "a/b", Path("a/b")),
        (Colour, "red", Colour.RED),
        (Colour, "Blue", Colour.BLUE),
        (Literal["A", "b"], "a", "A"),
        (Literal[1, 2], "2", 2),
        (Secret, "x", Secret("x")),
        (Dsn, "pg://u:p@h/d", Dsn("pg://u:p@h/d")),
        (int | None, "", None),
        (int | None, "3", 3),
        (list[str], "", []),
        (list[str], "a, b ,c", ["a", "b", "c"]),
        (list[int], "1,2", [1, 2]),
        (tuple[Colour, ...], "red,blue", (Colour.RED, Colour.BLUE)),
        (frozenset[str], "a,a", frozenset({"a"})),
    ],
)
def test_a_text_is_read_as_its_type(tp: Any, text: str, value: object) -> None:
    parsed = parse(tp, text)
    assert value == parsed
    assert type(value) is type(parsed)


@pytest.mark.parametrize("text", ["true", "1", "yes", "on", "TRUE", "Yes", "oN"])
def test_these_mean_true(text: str) -> None:
    assert parse(bool, text) is True


@pytest.mark.parametrize("text", ["false", "0", "no", "off", "FALSE", "No"])
def test_these_mean_false(text: str) -> None:
    assert parse(bool, text) is False


@pytest.mark.parametrize(
    ("tp", "text"),
    [
        *[(bool, text) for text in ("", "2", "y", "t", "enabled", " true", "01")],
        *[(int, text) for text in ("", "1.0", "1_000", " 1", "1e3", "0x10", "٣", "1" * 20, "5s")],
        *[(float, text) for text in ("", "nan", "inf", "-inf", "1e400", "1,5", ".5", "1.", "1_0.0", "٣")],
        (Path, ""),
        (Colour, "green"),
        (Colour, ""),
        (Literal["a"], "b"),
        (Dsn, "no-scheme"),
        (Dsn, "pg://host with space"),
        (int | None, "x"),
        *[(list[str], text) for text in (",", "a,,b", "a,")],
        (list[int], "1,x"),
        (str, "a\0b"),
        (str, "a\udcffb"),
        (Secret, "a\udcffb"),
    ],
)
def test_anything_else_is_refused(tp: Any, text: str) -> None:
    with pytest.raises(ValueError, match=r"^must be "):
        parse(tp, text)


@pytest.mark.parametrize("tp", [bool, int, float, Colour, Literal["a"], Dsn, list[int]])
def test_a_refusal_does_not_repeat_the_text(tp: Any) -> None:
    with pytest.raises(ValueError, match=r"^must be ") as refusal:
        parse(tp, "canary value")
    assert "canary" not in str(refusal.value)
    assert refusal.value.__cause__ is None


@pytest.mark.parametrize("tp", [bytes, object, int | str, tuple[int, str], list, complex])
def test_a_type_that_no_setting_can_have_is_an_error_of_the_program(tp: Any) -> None:
    with pytest.raises(TypeError, match="no setting can be"):
        parse(tp, "1")


@pytest.mark.parametrize(
    ("tp", "value"),
    [
        (bool, True),
        (int, -3),
        (float, 2.5),
        (str, "a b"),
        (Path, Path("/a")),
        (Colour, Colour.RED),
        (int | None, None),
        (tuple[str, ...], ("a", "b")),
        (list[int], []),
    ],
)
def test_a_value_written_as_text_reads_back(tp: Any, value: object) -> None:
    assert value == parse(tp, to_text(value))

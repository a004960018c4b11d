import copy
import json
import logging
import pickle

import attrs
import msgspec
import pytest

from app.adapters.config.secret import Dsn, Secret

CANARY = "canary-7f3a"


@attrs.frozen
class Holder:
    secret: Secret


@pytest.mark.parametrize(
    "shown",
    [
        str(Secret(CANARY)),
        repr(Secret(CANARY)),
        f"{Secret(CANARY)}",
        f"{Secret(CANARY)!r:>40}",
        "%s" % Secret(CANARY),  # noqa: UP031 - logging formats this way
        "{:>20}".format(Secret(CANARY)),  # noqa: UP032 - one way of many to print
        repr(Holder(Secret(CANARY))),
        repr([{"a": Secret(CANARY)}]),
    ],
)
def test_no_way_of_printing_shows_a_secret(shown: str) -> None:
    assert CANARY not in shown
    assert "***" in shown


def test_revealing_gives_the_value() -> None:
    assert Secret(CANARY).reveal() == CANARY


@pytest.mark.parametrize("encode", [json.dumps, msgspec.json.encode, pickle.dumps])
def test_a_secret_is_not_serialised(encode: object) -> None:
    with pytest.raises(TypeError):
        encode(Secret(CANARY))  # type: ignore[operator] # three functions of different types


def test_a_log_record_does_not_show_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("test").warning(
        "with %s and %r", Secret(CANARY), Secret(CANARY), extra={"secret": Secret(CANARY)}
    )
    assert CANARY not in caplog.text


def test_secrets_are_equal_by_value_and_of_one_kind() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert Secret("s://a") != Dsn("s://a")
    assert {Secret("a")} == {Secret("a"), Secret("a")}


def test_a_secret_survives_a_copy() -> None:
    assert copy.deepcopy(Holder(Secret("a"))) == Holder(Secret("a"))
    assert copy.copy(Secret("a")) == Secret("a")


def test_an_empty_secret_is_one_all_the_same() -> None:
    assert bool(Secret("")) is True


@pytest.mark.parametrize(
    ("dsn", "shown"),
    [
        ("postgresql://me:pw@host:5432/db", "postgresql://me:***@host:5432/db"),
        ("postgresql://me@host/db?sslmode=require", "postgresql://me@host/db?sslmode=require"),
        ("redis://:pw@host", "redis://:***@host"),
        ("mongodb://me:pw@h1:1,h2:2/db?w=1", "mongodb://me:***@h1:1,h2:2/db?w=1"),
        ("postgresql://host/db?user=me&password=pw", "postgresql://host/db?user=me&password=***"),
        ("postgresql://host/db?sslpassword=pw&a=b", "postgresql://host/db?sslpassword=***&a=b"),
        ("mongodb://host/?authMechanismProperties=AWS_SESSION_TOKEN:x", "mongodb://host/?authMechanismProperties=***"),
        ("postgresql://host", "postgresql://host"),
        ("me:pw@host", "***"),
        ("host=h password=pw", "***"),
    ],
)
def test_a_dsn_prints_without_what_is_secret_in_it(dsn: str, shown: str) -> None:
    assert shown == str(Dsn(dsn))
    assert f"Dsn('{shown}')" == repr(Dsn(dsn))


@pytest.mark.parametrize("odd", ["p/w", "p@w", "p?w", "p#w", "p:w", "p@h/w?x=y#z@q", "p&w=1"])
def test_a_password_that_was_not_quoted_stays_hidden(odd: str) -> None:
    assert str(Dsn(f"postgresql://me:{odd}@host:5432/db")) == "postgresql://me:***@host:5432/db"

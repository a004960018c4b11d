import os
from pathlib import Path

import pytest

from app.adapters.config.sources import DotEnvSource, EnvironmentSource, Reading, standard_sources


def read(tmp_path: Path, text: str | bytes) -> Reading:
    path = tmp_path / ".env"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return DotEnvSource(path).read()


def lines_of(reading: Reading) -> list[str]:
    return [str(problem) for problem in reading.problems]


def test_the_environment_gives_only_what_has_our_prefix() -> None:
    reading = EnvironmentSource({"APP_HTTP__PORT": "1", "PATH": "/bin", "app_env": "x"}).read()
    assert [(given.key, given.name, given.origin, given.text) for given in reading.values] == [
        (("http", "port"), "APP_HTTP__PORT", "environment", "1")
    ]


def test_the_name_of_the_env_file_is_no_setting() -> None:
    assert EnvironmentSource({"APP_ENV_FILE": "x"}).read().values == ()


def test_a_line_of_a_file_knows_its_number(tmp_path: Path) -> None:
    reading = read(tmp_path, "\n# a comment\n\nAPP_ENV=dev\n\n\nOTHER=1\nexport APP_NAME='two words' # why\n")
    assert [(given.name, given.origin, given.text) for given in reading.values] == [
        ("APP_ENV", ".env line 4", "dev"),
        ("APP_NAME", ".env line 8", "two words"),
    ]


def test_a_file_with_windows_line_ends_and_a_mark_is_read(tmp_path: Path) -> None:
    reading = read(tmp_path, b"\xef\xbb\xbfAPP_ENV=dev\r\n\r\nAPP_NAME=x\r\n")
    assert [(g.origin, g.text) for g in reading.values] == [(".env line 1", "dev"), (".env line 3", "x")]


def test_nothing_in_a_file_is_expanded(tmp_path: Path) -> None:
    reading = read(tmp_path, "APP_NAME=${HOME}-$HOME-$(id)\n")
    assert [given.text for given in reading.values] == ["${HOME}-$HOME-$(id)"]


@pytest.mark.parametrize("line", ["APP_NAME", "two words", "APP_NAME='open", "=value", "APP NAME=x"])
def test_a_broken_line_is_told_with_its_number(tmp_path: Path, line: str) -> None:
    reading = read(tmp_path, f"APP_ENV=dev\n\n{line}\n")
    assert lines_of(reading) == [".env (.env line 3): is not of the form NAME=value"]
    assert [given.name for given in reading.values] == ["APP_ENV"]


def test_the_text_of_a_broken_line_is_not_told(tmp_path: Path) -> None:
    assert "canary" not in repr(read(tmp_path, "APP_AUTH__SECRET 'canary\n"))


def test_a_name_that_stands_twice_in_a_file_is_told(tmp_path: Path) -> None:
    reading = read(tmp_path, "APP_ENV=dev\nAPP_ENV=prod\n")
    assert lines_of(reading) == ["APP_ENV (.env line 2): was set before, in .env line 1"]


def test_a_file_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    assert lines_of(read(tmp_path, b"APP_NAME=\xff\n")) == ["APP_ENV_FILE (.env): is not UTF-8"]


def test_a_folder_in_place_of_the_file_is_told(tmp_path: Path) -> None:
    assert lines_of(DotEnvSource(tmp_path).read()) == ["APP_ENV_FILE (.env): Is a directory"]


def test_no_file_is_no_problem_unless_one_was_named(tmp_path: Path) -> None:
    by_default = [source.read() for source in standard_sources({}, tmp_path)]
    assert [Reading(), Reading()] == by_default
    named = next(iter(standard_sources({"APP_ENV_FILE": "prod.env"}, tmp_path))).read()
    assert lines_of(named) == ["APP_ENV_FILE (prod.env): there is no such file"]


def test_a_named_file_takes_the_place_of_the_default_one(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("APP_NAME=default\n")
    (tmp_path / "prod.env").write_text("APP_NAME=named\n")
    reading = next(iter(standard_sources({"APP_ENV_FILE": "prod.env"}, tmp_path))).read()
    assert [(given.text, given.origin) for given in reading.values] == [("named", "prod.env line 1")]


def test_reading_leaves_the_process_environment_alone(tmp_path: Path) -> None:
    before = dict(os.environ)
    read(tmp_path, "APP_NAME=x\nPATH=/nowhere\n")
    assert before == dict(os.environ)


def test_what_was_given_does_not_print(tmp_path: Path) -> None:
    environ = {"APP_AUTH__SECRET": "canary"}
    assert "canary" not in repr(EnvironmentSource(environ)) + repr(EnvironmentSource(environ).read())

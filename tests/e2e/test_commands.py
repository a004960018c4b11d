"""The commands beside `run`: what they print, and that they end with a message where they can't go on."""

import socket
from pathlib import Path

import jwt
import pytest

from app.adapters.config.settings import AuthSettings
from tests.commands import command
from tests.processes import environment_in, free_port

SECRET = "a secret for tests, of 32 bytes or more"


def claims_of(token: str) -> dict[str, object]:
    auth = AuthSettings()
    found: dict[str, object] = jwt.decode(token, SECRET, ["HS256"], audience=auth.audience, issuer=auth.issuer)
    return found


def test_a_token_says_what_it_is_asked_to(tmp_path: Path) -> None:
    options = ("--scope", "a", "--scope", "b", "--subject", "me", "--seconds", "60")
    claims = claims_of(
        command("token", *options, environment=environment_in(tmp_path, AUTH__SECRET=SECRET)).stdout.strip()
    )
    assert (claims["sub"], claims["scope"]) == ("me", "a b")
    assert claims["exp"] - claims["iat"] == 60  # type: ignore[operator]  # both are seconds


def test_a_token_may_write_posts_unless_it_is_asked_otherwise(tmp_path: Path) -> None:
    environment = environment_in(tmp_path, AUTH__SECRET=SECRET)
    assert claims_of(command("token", environment=environment).stdout.strip())["scope"] == "posts:write"


def test_without_a_command_all_are_listed(tmp_path: Path) -> None:
    result = command(environment=environment_in(tmp_path))
    told = result.stdout + result.stderr
    assert [
        name for name in ("run", "migrate", "config", "openapi", "routes", "token") if f"  {name} " not in told
    ] == []


def test_only_who_starts_the_service_is_told_what_it_lacks(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        environment = environment_in(tmp_path, HTTP__PORT=taken.getsockname()[1])
        for name, times in (("routes", 0), ("token", 0), ("run", 1)):
            result = command(name, environment=environment)
            assert (result.stdout + result.stderr).count("APP_APP_PAGES__URL is not set") == times


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = command("run", environment=environment_in(tmp_path, HTTP__PORT=taken.getsockname()[1]))
    assert result.returncode == 1
    assert "address already in use" in result.stderr.lower()
    assert "Documentation" not in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(("name", "settings"), [("migrate", {}), ("run", {"ENV": "prod", "AUTH__SECRET": SECRET})])
def test_a_data_file_that_is_none_is_told_and_ends_the_command(
    tmp_path: Path, name: str, settings: dict[str, str]
) -> None:
    (tmp_path / "app.db").write_bytes(b"something else" * 100)
    result = command(name, environment=environment_in(tmp_path, HTTP__PORT=free_port(), **settings))
    assert result.returncode == 1
    assert ("Error: " if name == "migrate" else '"level":"error"') in result.stderr
    assert "file is not a database" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["migrate", "--to", "9999"], 1, "There is no migration 9999"),
        (["migrate", "--rollback", "0"], 2, "--rollback"),
        (["migrate", "--to", "0"], 1, "There is no migration 0"),
        (["migrate", "--to", ""], 1, "There is no migration"),
        (["migrate", "--rollback", "99"], 1, "Only 0 of the 99 steps"),
        (["migrate", "--status", "--dry-run"], 2, "--status stands alone"),
        (["migrate", "--to", "1", "--rollback", "1"], 2, "Choose one of --to and --rollback"),
        (["run", "--no-prepare"], 1, "make migrate"),
        (["token", "--seconds", "0"], 2, "--seconds"),
        (["nothing"], 2, "nothing"),
    ],
)
def test_what_cannot_be_done_is_told(tmp_path: Path, arguments: list[str], code: int, told: str) -> None:
    result = command(*arguments, environment=environment_in(tmp_path))
    assert (result.returncode, told in result.stderr) == (code, True)
    assert "Traceback" not in result.stderr


def test_where_others_issue_tokens_none_is_made(tmp_path: Path) -> None:
    environment = environment_in(tmp_path, AUTH__JWKS_URL="http://127.0.0.1:1/keys")
    result = command("token", environment=environment)
    assert result.returncode == 1
    assert "APP_AUTH__JWKS_URL" in result.stderr

"""Whatever its own document allows or forbids is sent to the service, with and without a token.

25 cases for each operation and kind of caller, always the same ones; `make fuzz` sends 500 that differ each time.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from app.adapters.config.secret import Secret
from app.adapters.config.settings import AuthSettings, Settings
from app.container import Container
from app.entrypoints.app import create_app
from app.entrypoints.http.swagger import DOCUMENT
from tests.commands import token_of
from tests.processes import Service, service, upstream
from tests.subjects import SUBJECTS, database_for

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "25"))

# The document can't say which cursor or which version is the right one, nor tell 1e30 from an integer of 31 digits.
RIGHTLY_REFUSED = {
    "INVALID_CURSOR",
    "CURSOR_WITH_OFFSET",
    "POST_CHANGED",
    "PRECONDITION_REQUIRED",
    "INVALID_IF_MATCH",
    "NUMBER_TOO_LARGE",
    "IDEMPOTENCY_KEY_REUSED",
    "IDEMPOTENCY_KEY_IN_USE",
}

cases: Counter[str] = Counter()


def document() -> dict[str, Any]:
    """The service's own OpenAPI document."""
    settings = Settings(auth=AuthSettings(secret=Secret("only to make the document, never to sign")))
    found: dict[str, Any] = json.loads(create_app(Container(settings=settings))[DOCUMENT])
    return found


@pytest.fixture(scope="module", params=SUBJECTS)
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    subject, folder = SUBJECTS[request.param], tmp_path_factory.mktemp("fuzz")
    with (
        database_for(subject, request, folder / "database") as dsn,
        upstream(folder) as url,
        service(folder, "run", "--prepare", APP_PAGES__URL=url, **subject.environment(dsn)) as started,
    ):
        yield started
        print(f"\n{subject.name}: {sum(cases.values())} cases so far: {dict(cases)}")


@pytest.fixture(scope="module")
def bearer(running: Service) -> str:
    return token_of(running)


schema = schemathesis.openapi.from_dict(document())
fuzzing = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize="FUZZ_EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)


def check(case: Any, url: str, who: str, headers: dict[str, str]) -> None:
    answer = case.call(base_url=url, headers=headers)
    cases[who] += 1
    is_json = "json" in answer.headers.get("content-type", [""])[0] and answer.content
    code = answer.json().get("code") if is_json else None
    excluded = [positive_data_acceptance] if code in RIGHTLY_REFUSED else []
    case.validate_response(answer, excluded_checks=excluded, headers=headers)


@schema.parametrize()
@fuzzing
def test_nobody_in_particular(case: Any, running: Service) -> None:
    check(case, running.url, "anonymous", {})


@schema.parametrize()
@fuzzing
def test_who_may_write(case: Any, running: Service, bearer: str) -> None:
    check(case, running.url, "authenticated", {"Authorization": f"Bearer {bearer}"})

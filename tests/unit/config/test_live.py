"""Settings that change while the service runs, without anybody who changes them."""

import attrs

from app.adapters.config.live import Difference, LiveSettings, differences, merged
from app.adapters.config.setting import setting
from app.adapters.config.settings import HttpSettings, LogSettings, Settings


@attrs.frozen
class Breaker:
    """One of several sections that go by names."""

    failures: int = setting(5, "Failures", reloadable=True)
    url: str = setting("here", "Where")


@attrs.frozen
class Several:
    """Sections by name."""

    breakers: dict[str, Breaker] = setting(attrs.Factory(dict), "By name")


def test_only_reloadable_settings_are_taken_over() -> None:
    live = LiveSettings(Settings())
    found = live.change(Settings(http=HttpSettings(port=9, request_timeout=9.0)))
    assert found == [Difference(("http", "port"), False), Difference(("http", "request_timeout"), True)]
    assert (live.current.http.port, live.current.http.request_timeout) == (8000, 9.0)


def test_subscribers_are_told_once_and_only_of_what_holds() -> None:
    seen: list[Settings] = []
    live = LiveSettings(Settings())
    live.subscribe(seen.append)
    live.change(Settings())
    live.change(Settings(http=HttpSettings(port=9)))
    assert seen == []
    newer = Settings(log=LogSettings(level="DEBUG"), http=HttpSettings(request_timeout=9.0))
    live.change(newer)
    assert seen == [newer]
    assert live.current == newer


def test_what_is_told_to_wait_is_told_until_it_is_gone() -> None:
    live = LiveSettings(Settings())
    for _ in range(2):
        assert live.change(Settings(name="other")) == [Difference(("name",), False)]
    assert live.change(Settings()) == []


def test_sections_by_name_are_taken_over_one_by_one() -> None:
    older = Several(breakers={"a": Breaker(failures=1, url="x"), "b": Breaker()})
    newer = Several(breakers={"a": Breaker(failures=2, url="y"), "b": Breaker()})
    assert list(differences(older, newer)) == [
        Difference(("breakers", "a", "failures"), True),
        Difference(("breakers", "a", "url"), False),
    ]
    assert merged(older, newer) == Several(breakers={"a": Breaker(failures=2, url="x"), "b": Breaker()})


def test_a_section_more_or_less_needs_a_restart() -> None:
    older, newer = Several(breakers={"a": Breaker()}), Several(breakers={"b": Breaker()})
    assert list(differences(older, newer)) == [Difference(("breakers",), False)]
    assert merged(older, newer) == older

"""Choosing an instance: fair, by load, and around those that fail."""

from collections import Counter

import attrs
import pytest

from app.adapters.consul.balancing import EJECTION, FAILURES, LONGEST_EJECTION, Balancer
from app.adapters.consul.client import Address
from app.domain.errors import Unavailable


@attrs.define
class Seconds:
    """A clock that is moved by hand."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def address(number: int) -> Address:
    return Address(f"i-{number}", f"10.0.0.{number}", 80)


def a_balancer(count: int, clock: Seconds | None = None) -> Balancer:
    balancer = Balancer("pages", clock or Seconds())
    balancer.replace([address(number) for number in range(1, count + 1)])
    return balancer


def fail(balancer: Balancer, url: str, times: int = FAILURES) -> None:
    """Let attempts at one instance fail; those at others end without a verdict."""
    failed = 0
    while failed < times:
        with balancer.pick() as instance:
            if instance.url == url:
                instance.failed()
                failed += 1


def picked(balancer: Balancer, times: int = 200) -> Counter[str]:
    found: Counter[str] = Counter()
    for _ in range(times):
        with balancer.pick() as instance:
            found[instance.url] += 1
    return found


def test_without_an_instance_there_is_nobody_to_call() -> None:
    with pytest.raises(Unavailable, match="No instance of pages"), a_balancer(0).pick():
        pass


def test_every_instance_gets_its_share() -> None:
    assert min(picked(a_balancer(4), 2000).values()) > 300


def test_the_busier_of_two_is_passed_by() -> None:
    balancer = a_balancer(2)
    with balancer.pick() as busy:
        assert set(picked(balancer)) == {f"http://10.0.0.{number}:80" for number in (1, 2)} - {busy.url}
    assert len(picked(balancer)) == 2


def test_calls_spread_evenly_while_they_last() -> None:
    balancer = a_balancer(3)
    contexts = [balancer.pick() for _ in range(300)]
    load = Counter(context.__enter__().url for context in contexts)
    assert max(load.values()) - min(load.values()) < 15


def test_a_call_that_is_cancelled_is_over_and_proves_nothing() -> None:
    balancer = a_balancer(2)
    url = "http://10.0.0.1:80"
    fail(balancer, url, FAILURES - 1)
    for _ in range(20):
        with pytest.raises(KeyboardInterrupt), balancer.pick():
            raise KeyboardInterrupt
    fail(balancer, url, 1)
    assert balancer.ejected == 1


def test_an_instance_that_keeps_failing_is_left_out_for_a_while() -> None:
    clock = Seconds()
    balancer = a_balancer(3, clock)
    fail(balancer, "http://10.0.0.1:80")
    assert balancer.ejected == 1
    assert "http://10.0.0.1:80" not in picked(balancer)
    clock.now += EJECTION
    assert "http://10.0.0.1:80" in picked(balancer)
    assert balancer.ejected == 0


def test_one_that_fails_again_at_once_is_left_out_for_longer() -> None:
    clock = Seconds()
    balancer = a_balancer(3, clock)
    for times, seconds in ((FAILURES, EJECTION), (1, 2 * EJECTION), (1, 4 * EJECTION)):
        fail(balancer, "http://10.0.0.1:80", times)
        clock.now += seconds - 0.1
        assert balancer.ejected == 1
        clock.now += 0.1
        assert balancer.ejected == 0
    for _ in range(20):
        fail(balancer, "http://10.0.0.1:80", 1)
        clock.now += LONGEST_EJECTION
        assert balancer.ejected == 0


def test_a_success_forgives() -> None:
    balancer = a_balancer(2)
    for _ in range(10):
        fail(balancer, "http://10.0.0.1:80", FAILURES - 1)
        picked(balancer, 50)
    assert balancer.ejected == 0


def test_an_attempt_counts_once() -> None:
    balancer = a_balancer(2)
    with balancer.pick() as instance:
        for _ in range(FAILURES):
            instance.failed()
    assert balancer.ejected == 0


def test_when_most_fail_all_are_used() -> None:
    balancer = a_balancer(3)
    fail(balancer, "http://10.0.0.1:80")
    fail(balancer, "http://10.0.0.2:80")
    assert len(picked(balancer)) == 3


def test_a_lone_instance_is_used_whatever_it_does() -> None:
    balancer = a_balancer(1)
    fail(balancer, "http://10.0.0.1:80", 10)
    assert sum(picked(balancer, 5).values()) == 5


def test_what_is_known_of_an_instance_outlives_a_new_list() -> None:
    balancer = a_balancer(3)
    fail(balancer, "http://10.0.0.1:80")
    balancer.replace([address(1), address(2), address(4)])
    assert (balancer.known, balancer.ejected) == (3, 1)
    assert set(picked(balancer)) == {"http://10.0.0.2:80", "http://10.0.0.4:80"}


def test_an_address_of_version_6_is_a_url() -> None:
    assert Address("i", "::1", 80).url == "http://[::1]:80"

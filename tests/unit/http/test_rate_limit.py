"""Token buckets: what a caller may take, what is told about it, and how much memory callers can cost."""

import pytest

from app.entrypoints.http.rate_limit import Meter, RatePolicy, TokenBuckets, TooManyRequests, by_address


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


POLICY = RatePolicy(per_second=2, burst=5)


async def taken(buckets: TokenBuckets, count: int, caller: str = "a") -> int:
    """How many of `count` requests were let in."""
    return sum([buckets.take(caller)[0] for _ in range(count)])


@pytest.mark.parametrize("policy", [POLICY, RatePolicy(3, 7), RatePolicy(0.1, 1), RatePolicy(1000, 333)], ids=str)
async def test_a_burst_is_let_in_to_its_last_request_and_no_further(policy: RatePolicy) -> None:
    assert await taken(TokenBuckets(policy, Clock()), policy.burst + 10) == policy.burst


async def test_a_bucket_fills_with_time_and_not_above_its_size() -> None:
    clock = Clock()
    buckets = TokenBuckets(POLICY, clock)
    await taken(buckets, 5)
    clock.now += 1
    assert await taken(buckets, 10) == 2
    clock.now += 3600
    assert await taken(buckets, 10) == 5


async def test_a_refused_request_costs_nothing() -> None:
    clock = Clock()
    buckets = TokenBuckets(POLICY, clock)
    await taken(buckets, 100)
    clock.now += 0.5
    assert await taken(buckets, 1) == 1


async def test_callers_have_buckets_of_their_own() -> None:
    buckets = TokenBuckets(POLICY, Clock())
    await taken(buckets, 10, "a")
    assert await taken(buckets, 10, "b") == 5


async def test_memory_is_bounded_and_who_keeps_asking_is_not_forgotten() -> None:
    buckets = TokenBuckets(POLICY, Clock(), capacity=100)
    await taken(buckets, 5, "greedy")
    for number in range(1000):
        buckets.take(f"passer-by {number}")
        if number % 50 == 0:
            assert await taken(buckets, 1, "greedy") == 0
    assert len(buckets) <= 200


async def test_what_is_left_is_told() -> None:
    meter = Meter(TokenBuckets(POLICY, Clock()), POLICY)
    assert await meter.admit("a") == 'RateLimit: "default";r=4;t=1\r\nRateLimit-Policy: "default";q=5;w=3\r\n'
    assert await meter.admit("a") == 'RateLimit: "default";r=3;t=1\r\nRateLimit-Policy: "default";q=5;w=3\r\n'
    assert await meter.admit("a") == 'RateLimit: "default";r=2;t=2\r\nRateLimit-Policy: "default";q=5;w=3\r\n'


async def test_who_is_refused_is_told_when_to_come_back_and_is_let_in_then() -> None:
    clock = Clock()
    policy = RatePolicy(per_second=0.25, burst=2)
    meter = Meter(TokenBuckets(policy, clock), policy)
    await meter.admit("a")
    await meter.admit("a")
    with pytest.raises(TooManyRequests) as refusal:
        await meter.admit("a")
    assert refusal.value.status == 429
    assert refusal.value.headers == {
        "Retry-After": "4",
        "RateLimit": '"default";r=0;t=8',
        "RateLimit-Policy": '"default";q=2;w=8',
    }
    clock.now += 4
    assert "r=0;t=8" in await meter.admit("a")


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("10.0.0.1", "10.0.0.2", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.2", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
    ],
)
def test_a_caller_is_an_ipv4_address_or_the_ipv6_network_of_one_customer(one: str, other: str, is_same: bool) -> None:
    assert (by_address(one) == by_address(other)) is is_same


def test_who_comes_through_a_socket_file_has_no_address() -> None:
    assert by_address(None) == by_address(None)

"""What is counted, and how Prometheus reads it."""

from prometheus_client import CollectorRegistry, generate_latest

from app.entrypoints.http.metrics import BUCKETS, HttpMetrics, MetricsHandlers, OwnMetrics


def registered() -> tuple[HttpMetrics, CollectorRegistry]:
    registry = CollectorRegistry()
    return HttpMetrics(registry), registry


def test_a_request_is_counted_by_route_method_and_status() -> None:
    metrics, registry = registered()
    route = metrics.of("GET", "/posts/{post_id}")
    for status, seconds in ((200, 0.5), (200, 0.25), (404, 0.25)):
        route.in_progress += 1
        route.finished(status, seconds)
    labels = {"method": "GET", "route": "/posts/{post_id}"}
    assert registry.get_sample_value("http_requests_total", {**labels, "status": "200"}) == 2
    assert registry.get_sample_value("http_requests_total", {**labels, "status": "404"}) == 1
    assert registry.get_sample_value("http_request_duration_seconds_count", labels) == 3
    assert registry.get_sample_value("http_request_duration_seconds_sum", labels) == 1.0
    assert registry.get_sample_value("http_requests_in_progress", labels) == 0


def test_a_bucket_holds_all_up_to_its_bound() -> None:
    metrics, registry = registered()
    for seconds in (0.0, 0.001, 0.0011, 10.0, 10.1):
        metrics.of("GET", "/").finished(200, seconds)

    def up_to(bound: str) -> float | None:
        return registry.get_sample_value(
            "http_request_duration_seconds_bucket", {"method": "GET", "route": "/", "le": bound}
        )

    assert [up_to(bound) for bound in ("0.001", "0.0025", "10.0", "+Inf")] == [2, 3, 4, 5]
    assert None not in [up_to(str(bound)) for bound in BUCKETS]


def test_what_runs_is_in_progress() -> None:
    metrics, registry = registered()
    metrics.of("GET", "/").in_progress += 1
    assert registry.get_sample_value("http_requests_in_progress", {"method": "GET", "route": "/"}) == 1


def test_methods_that_nobody_knows_share_one_series() -> None:
    metrics, _ = registered()
    assert metrics.of("BREW", "/") is metrics.of("get", "/") is metrics.of("\xff", "/")
    assert metrics.of("GET", "/") is not metrics.of("BREW", "/")


def test_a_text_in_a_label_cannot_break_its_line() -> None:
    metrics, registry = registered()
    metrics.of("GET", '/a"\n{x} 1').finished(200, 0)
    assert [line for line in generate_latest(registry).decode().splitlines() if line.startswith("{x}")] == []


async def test_the_page_shows_the_registry_that_it_was_given() -> None:
    metrics, registry = registered()
    metrics.of("GET", "/shown").finished(200, 0)
    answer = await MetricsHandlers(OwnMetrics(registry)).metrics()
    assert b'route="/shown"' in answer.encoded_body  # type: ignore[attr-defined]  # it is encoded already
    assert answer.content_type_line.startswith("text/plain; version=0.0.4")  # type: ignore[attr-defined]

"""How a call of another service fails, as the domain's kinds. The messages go to our callers, details to the log."""

from app.domain.errors import NotFound, Unavailable


class UpstreamFailed(Unavailable):
    """The upstream did not do its part. These failures, and no others, count for the breaker.

    `is_transient` tells whether another attempt may help, `retry_after` how long the upstream wants to be left alone
    (seconds), and `is_of_instance` whether another instance might have done better.
    """

    code = "UPSTREAM_FAILED"
    is_transient = True
    is_of_instance = True

    def __init__(self, message: str, detail: str, *, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.detail = detail
        self.retry_after = retry_after


class UpstreamUnreachable(UpstreamFailed):
    """No connection, or one that broke before the answer was whole."""

    code = "UPSTREAM_UNREACHABLE"


class UpstreamTimeout(UpstreamFailed):
    """An attempt had its time, and no answer came."""

    code = "UPSTREAM_TIMEOUT"


class UpstreamError(UpstreamFailed):
    """It answered that it cannot answer: a 5xx."""

    code = "UPSTREAM_ERROR"


class UpstreamOverloaded(UpstreamFailed):
    """It answered that it is asked too much: a 429. All its instances are meant."""

    code = "UPSTREAM_OVERLOADED"
    is_of_instance = False


class UnusableAnswer(UpstreamFailed):
    """It answered with something that cannot be read: too large, another type, no JSON, another shape, a redirect."""

    code = "UPSTREAM_UNUSABLE_ANSWER"
    is_transient = False


class UpstreamMissing(NotFound):
    """What was asked for is not there: a 404 or 410. The upstream is well."""

    code = "UPSTREAM_NOT_FOUND"


class CallRefused(Unavailable):
    """A 4xx: the fault is in our request or our credentials, and somebody has to mend them. The upstream is well."""

    code = "UPSTREAM_REFUSED"


class CircuitOpen(Unavailable):
    """The breaker is open: the upstream failed too often just now and is left alone."""

    code = "UPSTREAM_CIRCUIT_OPEN"


class BulkheadFull(Unavailable):
    """As many calls as may be are waiting for the upstream already."""

    code = "UPSTREAM_BUSY"


class OutOfTime(Unavailable):
    """The request had too little time left for the upstream to be blamed."""

    code = "UPSTREAM_OUT_OF_TIME"

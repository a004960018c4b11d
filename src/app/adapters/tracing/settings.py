"""The settings of tracing. What is not set here, OpenTelemetry's own OTEL_… variables say."""

import attrs
from attrs.validators import ge, le, min_len

from app.adapters.config.checks import web_address
from app.adapters.config.setting import setting


@attrs.frozen
class TracingSettings:
    """Whether spans are made, of what part of the requests, and where they go."""

    enabled: bool = setting(False, "Whether spans are made; needs the extra: `pip install '.[otel]'`")
    endpoint: str | None = setting(
        None,
        "The collector's base URL (OTLP over HTTP), in place of `OTEL_EXPORTER_OTLP_ENDPOINT`",
        validator=web_address,
    )
    service_name: str | None = setting(
        None, "The service's name in traces, in place of `OTEL_SERVICE_NAME` and `APP_NAME`", validator=min_len(1)
    )
    sample_ratio: float | None = setting(
        None,
        "The part of the traces begun here that is recorded, in place of `OTEL_TRACES_SAMPLER`",
        validator=[ge(0), le(1)],
    )

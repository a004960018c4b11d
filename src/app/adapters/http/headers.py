"""What goes along with every request to another service."""

import base64

from app.adapters.http.settings import ClientSettings
from app.context import current_request, traceparent


def constant_headers(settings: ClientSettings) -> dict[str, str]:
    """Who we are, as the settings say: the same with each request. Holds secrets."""
    headers = {"Accept": "application/json", "User-Agent": settings.user_agent}
    if settings.token is not None:
        headers["Authorization"] = f"Bearer {settings.token.reveal()}"
    elif settings.user is not None:
        password = settings.password.reveal() if settings.password is not None else ""
        headers["Authorization"] = "Basic " + base64.b64encode(f"{settings.user}:{password}".encode()).decode()
    for name, value in settings.headers.items():
        headers["-".join(part.capitalize() for part in name.split("_"))] = value.reveal()
    return headers


def passing_headers(seconds: float) -> dict[str, str]:
    """What belongs to this attempt: the time that it has (seconds), and whose request it serves.

    A trace goes on as it came (W3C Trace Context, section 2.2).
    """
    headers = {"X-Request-Timeout": f"{seconds:.3f}"}
    context = current_request.get()
    if context is None:
        return headers
    headers["X-Request-ID"] = context.request_id
    trace = traceparent()
    if trace is not None:
        headers["traceparent"] = trace
    return headers

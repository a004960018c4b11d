"""The documentation page: Swagger UI from files that come with the service, read once at start."""

import hashlib
from importlib.resources import files

import attrs

from app.entrypoints.http.response import header_line

CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".png": "image/png",
}
# Swagger UI sets style attributes and shows images from data URLs; scripts come from here alone.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"
)


@attrs.frozen
class Asset:
    """A file to serve, with the header lines that go with it."""

    body: bytes
    content_type: str
    headers_block: str
    etag: str


def docs_assets(document_path: str) -> dict[str, Asset]:
    """Every file of the page by name; `index.html` loads the document at `document_path`."""
    assets: dict[str, Asset] = {}
    for file in (files(__package__) / "swagger_ui").iterdir():
        suffix = "." + file.name.rpartition(".")[2]
        if suffix in CONTENT_TYPES:
            body = file.read_bytes().replace(b"{{document}}", document_path.encode())
            assets[file.name] = _asset(body, CONTENT_TYPES[suffix])
    return assets


def _asset(body: bytes, content_type: str) -> Asset:
    etag = hashlib.sha256(body).hexdigest()[:16]
    headers = {
        "ETag": f'"{etag}"',
        "Cache-Control": "no-cache",
        "Content-Security-Policy": POLICY,
        "Referrer-Policy": "no-referrer",
    }
    return Asset(body, content_type, "".join(header_line(*pair) for pair in headers.items()), etag)

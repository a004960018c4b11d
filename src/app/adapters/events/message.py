"""An event as receivers get it."""

import msgspec

message = msgspec.json.Encoder().encode
"""An event in JSON: id, type, post_id, occurred_at (RFC 3339, UTC) and payload."""

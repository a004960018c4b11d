"""The schemas of the envelope's own parts; envelope.py writes what they describe."""

from typing import Any

_VIOLATION: dict[str, Any] = {
    "type": "object",
    "properties": {
        "code": {"type": "string", "description": "Stable; made for programs"},
        "message": {"type": "string", "description": "What to do; made for people"},
        "field_name": {
            "type": "string",
            "description": "The path of the field at fault",
            "examples": ["features[0].feature_name"],
        },
        "meta": {"type": "object", "description": "The limits that were broken"},
    },
    "required": ["code", "message"],
    "additionalProperties": False,
}

ERROR: dict[str, Any] = {
    "type": "object",
    "properties": {
        "success": {"const": False},
        "code": {"type": "string", "examples": ["VALIDATION_ERROR"]},
        "message": {"type": "string"},
        "errors": {"type": "array", "items": _VIOLATION},
        "meta": {
            "type": "object",
            "properties": {"request_id": {"type": "string"}},
            "required": ["request_id"],
            "additionalProperties": False,
        },
    },
    "required": ["success", "code", "message", "errors", "meta"],
    "additionalProperties": False,
}

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "Problem details (RFC 9457), for callers that accept application/problem+json.",
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "errors": {"type": "array", "items": _VIOLATION},
        "request_id": {"type": "string"},
    },
    "required": ["type", "title", "status", "detail", "code", "errors", "request_id"],
    "additionalProperties": False,
}

PAGINATION: dict[str, Any] = {
    "type": "object",
    "properties": {
        "limit": {"type": "integer"},
        "offset": {"type": ["integer", "null"], "description": "Null on a page that was read by cursor"},
        "total": {"type": ["integer", "null"], "description": "Null on a page that was read by cursor"},
        "next_cursor": {"type": ["string", "null"], "description": "For the page that follows; null on the last one"},
    },
    "required": ["limit", "offset", "total", "next_cursor"],
    "additionalProperties": False,
}

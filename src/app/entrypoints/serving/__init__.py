"""Serving: in one process, or by a parent with workers, and ending both without losing a request."""

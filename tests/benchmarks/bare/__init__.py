"""Bare aiohttp handlers on the driver of each storage: the same statements and the same JSON as the service's."""

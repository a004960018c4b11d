"""Features: the switches that a post carries."""

import attrs
from attrs.validators import ge, le, max_len, min_len

from app.domain.model.paging import INT64_MAX, LIMIT, OFFSET


@attrs.frozen
class NewFeature:
    """A feature to be attached to a post."""

    feature_name: str = attrs.field(validator=[min_len(1), max_len(20)])
    is_active: bool = True


@attrs.frozen
class Feature:
    """A feature of a post, as stored."""

    id: int
    feature_name: str
    is_active: bool


@attrs.frozen
class FeatureQuery:
    """Which features to list, oldest first."""

    limit: int = attrs.field(default=20, validator=[ge(1), le(100)], metadata=LIMIT)
    offset: int = attrs.field(default=0, validator=[ge(0), le(INT64_MAX)], metadata=OFFSET)
    include_inactive: bool = attrs.field(default=False, metadata={"description": "Also those that are switched off"})

"""What the memory storage holds."""

import copy
from datetime import datetime

import attrs

from app.domain.model.events import DueEvent, Lease
from app.domain.model.features import Feature
from app.domain.model.idempotency import Claimed
from app.domain.model.posts import Post


@attrs.frozen
class Stored:
    """An event that is not delivered: due from then on (None: at once), or dead."""

    due: DueEvent
    due_at: datetime | None = None
    is_dead: bool = False


@attrs.define
class Tables:
    """Posts by id, features by post and id, keys of requests, events in order, leases of shards.

    The last ids given are never given again.
    """

    posts: dict[int, Post] = attrs.field(factory=dict)
    features: dict[int, list[Feature]] = attrs.field(factory=dict)
    keys: dict[str, Claimed] = attrs.field(factory=dict)
    events: dict[str, Stored] = attrs.field(factory=dict)
    leases: dict[int, Lease] = attrs.field(factory=dict)
    last_post_id: int = 0
    last_feature_id: int = 0

    def draft(self) -> "Tables":
        """A copy that can be changed without touching this one; its values are immutable."""
        features = {post_id: list(found) for post_id, found in self.features.items()}
        return attrs.evolve(
            self,
            posts=dict(self.posts),
            features=features,
            keys=dict(self.keys),
            events=dict(self.events),
            leases=dict(self.leases),
        )

    def next_post_id(self) -> int:
        self.last_post_id += 1
        return self.last_post_id

    def next_feature_id(self) -> int:
        self.last_feature_id += 1
        return self.last_feature_id


def private(post: Post) -> Post:
    """The post with data of its own, so that nobody changes what is stored."""
    return attrs.evolve(post, additional_data=copy.deepcopy(post.additional_data))

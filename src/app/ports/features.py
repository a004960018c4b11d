"""What the use cases need of a storage of features."""

from collections.abc import Sequence
from typing import Protocol

from app.domain.model.features import Feature, FeatureQuery, NewFeature
from app.domain.model.paging import Page


class FeatureRepository(Protocol):
    """Features of posts, however stored. Every method may raise Unavailable."""

    async def page(self, query: FeatureQuery) -> Page[Feature]:
        """The features of all posts, by id, with the total of all that match."""
        ...

    async def add(self, post_id: int, new: Sequence[NewFeature]) -> list[Feature]:
        """Attach features to a post, in this order, and give them rising ids. Raises PostNotFound."""
        ...

    async def replace(self, post_id: int, new: Sequence[NewFeature]) -> list[Feature]:
        """Put these features, with new ids, in the place of all that the post has. Raises PostNotFound."""
        ...

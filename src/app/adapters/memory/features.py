"""Features in memory."""

from collections.abc import Callable, Sequence

from app.adapters.memory.posts import Change
from app.adapters.memory.tables import Tables
from app.adapters.storage_errors import no_post
from app.domain.model.features import Feature, FeatureQuery, NewFeature
from app.domain.model.paging import Page


class MemoryFeatureRepository:
    """The port `FeatureRepository` in memory."""

    def __init__(self, tables: Callable[[], Tables], change: Change) -> None:
        self._tables = tables
        self._change = change

    async def page(self, query: FeatureQuery) -> Page[Feature]:
        every = (feature for features in self._tables().features.values() for feature in features)
        found = sorted(
            (feature for feature in every if feature.is_active or query.include_inactive),
            key=lambda feature: feature.id,
        )
        return Page(found[query.offset : query.offset + query.limit], query.limit, query.offset, len(found))

    async def add(self, post_id: int, new: Sequence[NewFeature]) -> list[Feature]:
        async with self._change() as tables:
            return _add(tables, post_id, new)

    async def replace(self, post_id: int, new: Sequence[NewFeature]) -> list[Feature]:
        async with self._change() as tables:
            tables.features.pop(post_id, None)
            return _add(tables, post_id, new)


def _add(tables: Tables, post_id: int, new: Sequence[NewFeature]) -> list[Feature]:
    if post_id not in tables.posts:
        raise no_post(post_id)
    added = [Feature(tables.next_feature_id(), each.feature_name, each.is_active) for each in new]
    tables.features.setdefault(post_id, []).extend(added)
    return added

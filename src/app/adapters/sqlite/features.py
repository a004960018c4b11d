"""Features in SQLite."""

from collections.abc import Sequence

from app.adapters.sqlite.statements import Statements
from app.adapters.storage_errors import no_post
from app.domain.model.features import Feature, FeatureQuery, NewFeature
from app.domain.model.paging import Page


class SqliteFeatureRepository:
    """The port `FeatureRepository` on SQLite."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def page(self, query: FeatureQuery) -> Page[Feature]:
        where = "" if query.include_inactive else " WHERE is_active"
        rows = await self._statements.read(
            f"SELECT id, feature_name, is_active, (SELECT count(*) FROM features{where}) FROM features{where} "
            "ORDER BY id LIMIT ? OFFSET ?",
            (query.limit, query.offset),
        )
        total = rows[0][3] if rows else await self._count(where) if query.offset else 0
        return Page([Feature(row[0], row[1], bool(row[2])) for row in rows], query.limit, query.offset, total)

    async def add(self, post_id: int, new: Sequence[NewFeature]) -> list[Feature]:
        if not new:
            await self._require(post_id)
            return []
        values = ", ".join(["(?, ?, ?)"] * len(new))
        parameters = [value for each in new for value in (post_id, each.feature_name, each.is_active)]
        rows = await self._statements.write(
            f"INSERT INTO features (post_id, feature_name, is_active) VALUES {values} RETURNING id",
            parameters,
        )
        ids = sorted(row[0] for row in rows)
        return [Feature(id_, each.feature_name, each.is_active) for id_, each in zip(ids, new, strict=True)]

    async def replace(self, post_id: int, new: Sequence[NewFeature]) -> list[Feature]:
        await self._statements.write("DELETE FROM features WHERE post_id = ?", (post_id,))
        return await self.add(post_id, new)

    async def _require(self, post_id: int) -> None:
        if not await self._statements.read("SELECT 1 FROM posts WHERE id = ?", (post_id,)):
            raise no_post(post_id)

    async def _count(self, where: str) -> int:
        rows = await self._statements.read(f"SELECT count(*) FROM features{where}")
        return int(rows[0][0])

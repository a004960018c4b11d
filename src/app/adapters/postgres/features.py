"""Features in PostgreSQL."""

from collections.abc import Sequence

from app.adapters.postgres.statements import Statements
from app.adapters.storage_errors import no_post
from app.domain.model.features import Feature, FeatureQuery, NewFeature
from app.domain.model.paging import Page


class PostgresFeatureRepository:
    """The port `FeatureRepository` on PostgreSQL."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def page(self, query: FeatureQuery) -> Page[Feature]:
        where = "" if query.include_inactive else " WHERE is_active"
        rows = await self._statements.read_stale(
            f"SELECT id, feature_name, is_active, (SELECT count(*) FROM features{where}) FROM features{where} "
            "ORDER BY id LIMIT $1 OFFSET $2",
            (query.limit, query.offset),
        )
        total = rows[0][3] if rows else await self._count(where) if query.offset else 0
        return Page([Feature(row[0], row[1], row[2]) for row in rows], query.limit, query.offset, total)

    async def add(self, post_id: int, new: Sequence[NewFeature]) -> list[Feature]:
        return await self._insert("", post_id, new)

    async def replace(self, post_id: int, new: Sequence[NewFeature]) -> list[Feature]:
        return await self._insert("WITH gone AS (DELETE FROM features WHERE post_id = $1) ", post_id, new)

    async def _insert(self, before: str, post_id: int, new: Sequence[NewFeature]) -> list[Feature]:
        if not new:
            if before:
                await self._statements.write("DELETE FROM features WHERE post_id = $1", (post_id,))
            await self._require(post_id)
            return []
        # A list of rows for each length, and not arrays: those cost a look into the catalogue on every connection.
        values = ", ".join(f"($1, ${place}, ${place + 1})" for place in range(2, 2 * len(new) + 2, 2))
        parameters = [value for each in new for value in (each.feature_name, each.is_active)]
        rows = await self._statements.write(
            f"{before}INSERT INTO features (post_id, feature_name, is_active) VALUES {values} RETURNING id",
            (post_id, *parameters),
        )
        ids = sorted(row[0] for row in rows)
        return [Feature(id_, each.feature_name, each.is_active) for id_, each in zip(ids, new, strict=True)]

    async def _require(self, post_id: int) -> None:
        if not await self._statements.read("SELECT 1 FROM posts WHERE id = $1", (post_id,)):
            raise no_post(post_id)

    async def _count(self, where: str) -> int:
        rows = await self._statements.read_stale(f"SELECT count(*) FROM features{where}")
        return int(rows[0][0])

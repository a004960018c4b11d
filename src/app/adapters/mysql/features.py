"""Features in MySQL or MariaDB."""

from collections.abc import Sequence

from app.adapters.mysql.pool import Transaction
from app.adapters.mysql.statements import Statements
from app.adapters.storage_errors import no_post
from app.domain.model.features import Feature, FeatureQuery, NewFeature
from app.domain.model.paging import Page


class MysqlFeatureRepository:
    """The port `FeatureRepository` on MySQL."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def page(self, query: FeatureQuery) -> Page[Feature]:
        where = "" if query.include_inactive else " WHERE is_active"
        rows = await self._statements.read_stale(
            f"SELECT id, feature_name, is_active, (SELECT count(*) FROM features{where}) FROM features{where} "
            "ORDER BY id LIMIT %s OFFSET %s",
            (query.limit, query.offset),
        )
        total = rows[0][3] if rows else await self._count(where) if query.offset else 0
        return Page([Feature(row[0], row[1], bool(row[2])) for row in rows], query.limit, query.offset, total)

    async def add(self, post_id: int, new: Sequence[NewFeature]) -> list[Feature]:
        async with self._statements.transaction() as work:
            return await _add(work, post_id, new)

    async def replace(self, post_id: int, new: Sequence[NewFeature]) -> list[Feature]:
        async with self._statements.transaction() as work:
            await work.write("DELETE FROM features WHERE post_id = %s", (post_id,))
            return await _add(work, post_id, new)

    async def _count(self, where: str) -> int:
        rows = await self._statements.read_stale(f"SELECT count(*) FROM features{where}")
        return int(rows[0][0])


async def _add(work: Transaction, post_id: int, new: Sequence[NewFeature]) -> list[Feature]:
    if not new:
        if not await work.read("SELECT 1 FROM posts WHERE id = %s", (post_id,)):
            raise no_post(post_id)
        return []
    values = ", ".join(["(%s, %s, %s)"] * len(new))
    parameters = [value for each in new for value in (post_id, each.feature_name, each.is_active)]
    done = await work.write(f"INSERT INTO features (post_id, feature_name, is_active) VALUES {values}", parameters)
    # The server tells only the first id; how far apart the others are differs between the nodes of a cluster.
    rows = await work.read(
        "SELECT id FROM features WHERE post_id = %s AND id >= %s ORDER BY id LIMIT %s",
        (post_id, done.first_id, len(new)),
    )
    return [Feature(row[0], each.feature_name, each.is_active) for row, each in zip(rows, new, strict=True)]

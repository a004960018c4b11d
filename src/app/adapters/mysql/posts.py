"""Posts in MySQL or MariaDB."""

from datetime import datetime

from app.adapters.mysql.statements import Statements
from app.adapters.posts_sql import COLUMNS, data_text, order_of, post_of, post_with_features_of, with_features
from app.adapters.storage_errors import no_post, post_changed
from app.domain.model.paging import Page, Position
from app.domain.model.posts import (
    NewPost,
    Post,
    PostQuery,
    PostWithFeatures,
    from_milliseconds,
    milliseconds,
)

_FIND_WITH_FEATURES = with_features("= %s", "IN (%s)")


class MysqlPostRepository:
    """The port `PostRepository` on MySQL. The collation of its text is by code point, without padding."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find(self, post_id: int) -> Post | None:
        rows = await self._statements.read(f"SELECT {COLUMNS} FROM posts WHERE id = %s", (post_id,))
        return post_of(rows[0]) if rows else None

    async def find_with_features(self, post_id: int) -> PostWithFeatures | None:
        return post_with_features_of(await self._statements.gather(_FIND_WITH_FEATURES, (post_id,)))

    async def page(self, query: PostQuery) -> Page[Post]:
        where, matching = _filter(query)
        sql = (
            f"SELECT {COLUMNS}, (SELECT count(*) FROM posts{where}) FROM posts{where} "
            f"{order_of(query)} LIMIT %s OFFSET %s"
        )
        rows = await self._statements.read_stale(sql, (*matching, *matching, query.limit, query.offset))
        total = rows[0][6] if rows else await self._count(where, matching) if query.offset else 0
        return Page([post_of(row) for row in rows], query.limit, query.offset, total)

    async def page_after(self, query: PostQuery, position: Position, limit: int) -> list[Post]:
        where, matching = _filter(query)
        after, bounds = _after(query, position)
        where = f"{where} AND {after}" if where else f" WHERE {after}"
        sql = f"SELECT {COLUMNS} FROM posts{where} {order_of(query)} LIMIT %s"
        rows = await self._statements.read_stale(sql, (*matching, *bounds, limit))
        return [post_of(row) for row in rows]

    async def add(self, new: NewPost, created_at: datetime) -> Post:
        done = await self._statements.write(
            "INSERT INTO posts (title, content, additional_data, created_at, version) VALUES (%s, %s, %s, %s, 1)",
            (new.title, new.content, data_text(new.additional_data), milliseconds(created_at)),
        )
        return Post(done.first_id, new.title, new.content, new.additional_data, created_at, 1)

    async def save(self, post_id: int, new: NewPost, version: int | None) -> Post:
        async with self._statements.transaction() as work:
            # Locked until the end: no UPDATE of both databases tells what it left behind.
            rows = await work.read("SELECT created_at, version FROM posts WHERE id = %s FOR UPDATE", (post_id,))
            if not rows:
                raise no_post(post_id)
            created_at, stored = rows[0]
            if version is not None and version != stored:
                raise post_changed()
            await work.write(
                "UPDATE posts SET title = %s, content = %s, additional_data = %s, version = %s WHERE id = %s",
                (new.title, new.content, data_text(new.additional_data), stored + 1, post_id),
            )
        return Post(post_id, new.title, new.content, new.additional_data, from_milliseconds(created_at), stored + 1)

    async def remove(self, post_id: int, version: int | None) -> None:
        done = await self._statements.write(
            "DELETE FROM posts WHERE id = %s AND version = coalesce(%s, version)", (post_id, version)
        )
        if done.changed:
            return
        if await self.find(post_id) is None:
            raise no_post(post_id)
        raise post_changed()

    async def _count(self, where: str, matching: tuple[object, ...]) -> int:
        rows = await self._statements.read_stale(f"SELECT count(*) FROM posts{where}", matching)
        return int(rows[0][0])


def _filter(query: PostQuery) -> tuple[str, tuple[object, ...]]:
    """The WHERE clause and its parameters; instr, unlike LIKE, has no wildcards."""
    return (" WHERE instr(title, %s) > 0", (query.title,)) if query.title is not None else ("", ())


def _after(query: PostQuery, position: Position) -> tuple[str, tuple[object, ...]]:
    """What lies beyond a position. Rows are not compared with rows: no index is used for that."""
    sign = ">" if query.sort_dir == "asc" else "<"
    if query.sort == "id":
        return f"id {sign} %s", (position.id,)
    beyond = f"{query.sort} {sign}= %s AND ({query.sort} {sign} %s OR id {sign} %s)"
    return beyond, (position.value, position.value, position.id)

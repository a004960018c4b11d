"""Posts in SQLite."""

from datetime import datetime

from app.adapters.posts_sql import COLUMNS, data_text, order_of, post_of, post_with_features_of, with_features
from app.adapters.sqlite.statements import Statements
from app.adapters.storage_errors import no_post, post_changed
from app.domain.model.paging import Page, Position
from app.domain.model.posts import (
    NewPost,
    Post,
    PostQuery,
    PostWithFeatures,
    milliseconds,
)

_FIND_WITH_FEATURES = with_features("= ?", "IN (SELECT value FROM json_each(?))")


class SqlitePostRepository:
    """The port `PostRepository` on SQLite. Its text is compared byte by byte, which in UTF-8 is by code point."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find(self, post_id: int) -> Post | None:
        rows = await self._statements.read(f"SELECT {COLUMNS} FROM posts WHERE id = ?", (post_id,))
        return post_of(rows[0]) if rows else None

    async def find_with_features(self, post_id: int) -> PostWithFeatures | None:
        return post_with_features_of(await self._statements.gather(_FIND_WITH_FEATURES, (post_id,)))

    async def page(self, query: PostQuery) -> Page[Post]:
        where, matching = _filter(query)
        sql = (
            f"SELECT {COLUMNS}, (SELECT count(*) FROM posts{where}) FROM posts{where} "
            f"{order_of(query)} LIMIT ? OFFSET ?"
        )
        rows = await self._statements.read(sql, (*matching, *matching, query.limit, query.offset))
        total = rows[0][6] if rows else await self._count(where, matching) if query.offset else 0
        return Page([post_of(row) for row in rows], query.limit, query.offset, total)

    async def page_after(self, query: PostQuery, position: Position, limit: int) -> list[Post]:
        where, matching = _filter(query)
        sign = ">" if query.sort_dir == "asc" else "<"
        after = f"({query.sort}, id) {sign} (?, ?)"
        where = f"{where} AND {after}" if where else f" WHERE {after}"
        sql = f"SELECT {COLUMNS} FROM posts{where} {order_of(query)} LIMIT ?"
        rows = await self._statements.read(sql, (*matching, position.value, position.id, limit))
        return [post_of(row) for row in rows]

    async def add(self, new: NewPost, created_at: datetime) -> Post:
        rows = await self._statements.write(
            "INSERT INTO posts (title, content, additional_data, created_at, version) VALUES (?, ?, ?, ?, 1) "
            "RETURNING id",
            (new.title, new.content, data_text(new.additional_data), milliseconds(created_at)),
        )
        return Post(rows[0][0], new.title, new.content, new.additional_data, created_at, 1)

    async def save(self, post_id: int, new: NewPost, version: int | None) -> Post:
        rows = await self._statements.write(
            "UPDATE posts SET title = ?, content = ?, additional_data = ?, version = version + 1 "
            f"WHERE id = ? AND version = coalesce(?, version) RETURNING {COLUMNS}",
            (new.title, new.content, data_text(new.additional_data), post_id, version),
        )
        if not rows:
            await self._raise_missing(post_id)
        return post_of(rows[0])

    async def remove(self, post_id: int, version: int | None) -> None:
        rows = await self._statements.write(
            "DELETE FROM posts WHERE id = ? AND version = coalesce(?, version) RETURNING id", (post_id, version)
        )
        if not rows:
            await self._raise_missing(post_id)

    async def _raise_missing(self, post_id: int) -> None:
        if await self.find(post_id) is None:
            raise no_post(post_id)
        raise post_changed()

    async def _count(self, where: str, matching: tuple[object, ...]) -> int:
        rows = await self._statements.read(f"SELECT count(*) FROM posts{where}", matching)
        return int(rows[0][0])


def _filter(query: PostQuery) -> tuple[str, tuple[object, ...]]:
    """The WHERE clause and its parameters; instr, unlike LIKE, tells cases apart and has no wildcards."""
    return (" WHERE instr(title, ?) > 0", (query.title,)) if query.title is not None else ("", ())

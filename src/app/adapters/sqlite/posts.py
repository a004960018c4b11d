"""Posts in SQLite."""

from collections.abc import Awaitable, Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from app.adapters.gathering import Gatherable, Key
from app.adapters.storage_errors import no_post, post_changed
from app.domain.model.features import Feature
from app.domain.model.paging import Page, Position
from app.domain.model.posts import (
    NewPost,
    Post,
    PostQuery,
    PostWithFeatures,
    from_milliseconds,
    milliseconds,
)

COLUMNS = "id, title, content, additional_data, created_at, version"
_WITH_FEATURES = (
    f"SELECT {', '.join('p.' + name for name in COLUMNS.split(', '))}, f.id, f.feature_name, f.is_active{{key}} "
    "FROM posts p LEFT JOIN features f ON f.post_id = p.id WHERE p.id {id} ORDER BY f.id"
)
_FIND_WITH_FEATURES = Gatherable(
    _WITH_FEATURES.format(key="", id="= ?"),
    _WITH_FEATURES.format(key=", p.id", id="IN (SELECT value FROM json_each(?))"),
    200,
)

_to_json = msgspec.json.Encoder().encode
_from_json = msgspec.json.Decoder(dict[str, Any]).decode


class Statements(Protocol):
    """Where statements run: the pool, each on its own, or a transaction."""

    async def read(self, sql: str, parameters: Iterable[object] = ()) -> Sequence[tuple[Any, ...]]: ...

    def gather(self, query: Gatherable, key: Key) -> Awaitable[Sequence[tuple[Any, ...]]]: ...

    async def write(self, sql: str, parameters: Iterable[object] = ()) -> Sequence[tuple[Any, ...]]: ...


class SqlitePostRepository:
    """The port `PostRepository` on SQLite. Its text is compared byte by byte, which in UTF-8 is by code point."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find(self, post_id: int) -> Post | None:
        rows = await self._statements.read(f"SELECT {COLUMNS} FROM posts WHERE id = ?", (post_id,))
        return _post(rows[0]) if rows else None

    async def find_with_features(self, post_id: int) -> PostWithFeatures | None:
        rows = await self._statements.gather(_FIND_WITH_FEATURES, (post_id,))
        if not rows:
            return None
        features = [Feature(row[6], row[7], bool(row[8])) for row in rows if row[6] is not None]
        id_, title, content, data, created_at, version = rows[0][:6]
        return PostWithFeatures(id_, title, content, _from_json(data), from_milliseconds(created_at), version, features)

    async def page(self, query: PostQuery) -> Page[Post]:
        where, matching = _filter(query)
        sql = (
            f"SELECT {COLUMNS}, (SELECT count(*) FROM posts{where}) FROM posts{where} {_order(query)} LIMIT ? OFFSET ?"
        )
        rows = await self._statements.read(sql, (*matching, *matching, query.limit, query.offset))
        total = rows[0][6] if rows else await self._count(where, matching) if query.offset else 0
        return Page([_post(row) for row in rows], query.limit, query.offset, total)

    async def page_after(self, query: PostQuery, position: Position, limit: int) -> list[Post]:
        where, matching = _filter(query)
        sign = ">" if query.sort_dir == "asc" else "<"
        after = f"({query.sort}, id) {sign} (?, ?)"
        where = f"{where} AND {after}" if where else f" WHERE {after}"
        sql = f"SELECT {COLUMNS} FROM posts{where} {_order(query)} LIMIT ?"
        rows = await self._statements.read(sql, (*matching, position.value, position.id, limit))
        return [_post(row) for row in rows]

    async def add(self, new: NewPost, created_at: datetime) -> Post:
        rows = await self._statements.write(
            "INSERT INTO posts (title, content, additional_data, created_at, version) VALUES (?, ?, ?, ?, 1) "
            "RETURNING id",
            (new.title, new.content, _to_json(new.additional_data).decode(), milliseconds(created_at)),
        )
        return Post(rows[0][0], new.title, new.content, new.additional_data, created_at, 1)

    async def save(self, post_id: int, new: NewPost, version: int | None) -> Post:
        rows = await self._statements.write(
            "UPDATE posts SET title = ?, content = ?, additional_data = ?, version = version + 1 "
            f"WHERE id = ? AND version = coalesce(?, version) RETURNING {COLUMNS}",
            (new.title, new.content, _to_json(new.additional_data).decode(), post_id, version),
        )
        if not rows:
            await self._raise_missing(post_id)
        return _post(rows[0])

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


def _order(query: PostQuery) -> str:
    by = "" if query.sort == "id" else f"{query.sort} {query.sort_dir}, "
    return f"ORDER BY {by}id {query.sort_dir}"


def _post(row: Sequence[Any]) -> Post:
    return Post(row[0], row[1], row[2], _from_json(row[3]), from_milliseconds(row[4]), row[5])

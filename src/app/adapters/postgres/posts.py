"""Posts in PostgreSQL."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache

from app.adapters.gathering import Gatherable
from app.adapters.postgres.pool import Row
from app.adapters.postgres.statements import Statements
from app.adapters.posts_sql import COLUMNS, data_text, order_of, read_data, with_features
from app.adapters.storage_errors import no_post, post_changed
from app.domain.model.features import Feature
from app.domain.model.paging import Page, Position, SortDir
from app.domain.model.posts import (
    NewPost,
    Post,
    PostQuery,
    PostSort,
    PostWithFeatures,
    from_milliseconds,
    milliseconds,
)

_FIND = f"SELECT {COLUMNS} FROM posts WHERE id = $1"
_FIND_WITH_FEATURES = with_features("= $1", "= ANY($1::text::bigint[])")
_ADD = (
    "INSERT INTO posts (title, content, additional_data, created_at, version) VALUES ($1, $2, $3, $4, 1) RETURNING id"
)
_SAVE = (
    "UPDATE posts SET title = $1, content = $2, additional_data = $3, version = version + 1 "
    f"WHERE id = $4 AND version = coalesce($5, version) RETURNING {COLUMNS}"
)
_REMOVE = "DELETE FROM posts WHERE id = $1 AND version = coalesce($2, version) RETURNING id"
GATHERED_DEPTH = 1000
"""Pages that end further down take their own way: nobody should wait for them."""

_FIRST = milliseconds(datetime.min.replace(tzinfo=UTC))
_LAST = milliseconds(datetime.max.replace(tzinfo=UTC))


class PostgresPostRepository:
    """The port `PostRepository` on PostgreSQL. Titles are of collation "C": compared by code point."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find(self, post_id: int) -> Post | None:
        rows = await self._statements.read(_FIND, (post_id,))
        return _post(rows[0]) if rows else None

    async def find_with_features(self, post_id: int) -> PostWithFeatures | None:
        rows = await self._statements.gather(_FIND_WITH_FEATURES, (post_id,))
        if not rows:
            return None
        features = [Feature(row[6], row[7], row[8]) for row in rows if row[6] is not None]
        row = rows[0]
        return PostWithFeatures(row[0], row[1], row[2], read_data(row[3]), row[4], row[5], features)

    async def page(self, query: PostQuery) -> Page[Post]:
        where, matching = _filter(query)
        if not where and query.offset + query.limit <= GATHERED_DEPTH:
            rows = await self._statements.gather(
                _pages(query.sort, query.sort_dir), (query.limit, query.offset), stale=True
            )
        else:
            sql = _page(where, order_of(query), f"LIMIT {_next(matching)} OFFSET {_next(matching, 2)}")
            rows = await self._statements.read_stale(sql, (*matching, query.limit, query.offset))
        total = rows[0][6] if rows else await self._count(where, matching) if query.offset else 0
        return Page([_post(row) for row in rows], query.limit, query.offset, total)

    async def page_after(self, query: PostQuery, position: Position, limit: int) -> list[Post]:
        where, matching = _filter(query)
        sign = ">" if query.sort_dir == "asc" else "<"
        after = f"({query.sort}, id) {sign} ({_next(matching)}, {_next(matching, 2)})"
        where = f"{where} AND {after}" if where else f" WHERE {after}"
        sql = f"SELECT {COLUMNS} FROM posts{where} {order_of(query)} LIMIT {_next(matching, 3)}"
        rows = await self._statements.read_stale(sql, (*matching, _value(position, query.sort), position.id, limit))
        return [_post(row) for row in rows]

    async def add(self, new: NewPost, created_at: datetime) -> Post:
        rows = await self._statements.write(_ADD, (new.title, new.content, data_text(new.additional_data), created_at))
        return Post(rows[0][0], new.title, new.content, new.additional_data, created_at, 1)

    async def save(self, post_id: int, new: NewPost, version: int | None) -> Post:
        rows = await self._statements.write(
            _SAVE, (new.title, new.content, data_text(new.additional_data), post_id, version)
        )
        if not rows:
            await self._raise_missing(post_id)
        return _post(rows[0])

    async def remove(self, post_id: int, version: int | None) -> None:
        if not await self._statements.write(_REMOVE, (post_id, version)):
            await self._raise_missing(post_id)

    async def _raise_missing(self, post_id: int) -> None:
        if await self.find(post_id) is None:
            raise no_post(post_id)
        raise post_changed()

    async def _count(self, where: str, matching: tuple[object, ...]) -> int:
        rows = await self._statements.read_stale(f"SELECT count(*) FROM posts{where}", matching)
        return int(rows[0][0])


def _page(where: str, order: str, limits: str) -> str:
    return f"SELECT {COLUMNS}, (SELECT count(*) FROM posts{where}) FROM posts{where} {order} {limits}"


@cache
def _pages(sort: PostSort, sort_dir: SortDir) -> Gatherable:
    """Pages of all posts in one order: their total is counted once for all that are asked for at a time."""
    order = order_of(PostQuery(sort=sort, sort_dir=sort_dir))
    many = (
        f"SELECT p.*, (SELECT count(*) FROM posts), k.size, k.start "
        "FROM unnest($1::text::bigint[], $2::text::bigint[]) k(size, start), "
        f"LATERAL (SELECT {COLUMNS} FROM posts {order} LIMIT k.size OFFSET k.start) p {order}"
    )
    return Gatherable(_page("", order, "LIMIT $1 OFFSET $2"), many, 16)


def _filter(query: PostQuery) -> tuple[str, tuple[object, ...]]:
    """The WHERE clause and its parameters; strpos, unlike LIKE, has no wildcards."""
    return (" WHERE strpos(title, $1) > 0", (query.title,)) if query.title is not None else ("", ())


def _next(matching: Sequence[object], place: int = 1) -> str:
    """The name of a parameter behind those of the filter."""
    return f"${len(matching) + place}"


def _value(position: Position, sort: PostSort) -> object:
    """A position's value as its column has it; a moment that no post can have is one at the end of time."""
    if sort is PostSort.CREATED_AT and isinstance(position.value, int):
        return from_milliseconds(max(_FIRST, min(position.value, _LAST)))
    return position.value


def _post(row: Row) -> Post:
    return Post(row[0], row[1], row[2], read_data(row[3]), row[4], row[5])

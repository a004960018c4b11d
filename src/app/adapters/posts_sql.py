"""What posts have in common in all SQL storages: columns, order, rows. What one does its own way stays with it."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from app.adapters.gathering import Gatherable
from app.domain.model.features import Feature
from app.domain.model.posts import Post, PostQuery, PostWithFeatures, from_milliseconds

COLUMNS = "id, title, content, additional_data, created_at, version"
_WITH_FEATURES = (
    f"SELECT {', '.join('p.' + name for name in COLUMNS.split(', '))}, f.id, f.feature_name, f.is_active{{key}} "
    "FROM posts p LEFT JOIN features f ON f.post_id = p.id WHERE p.id {id} ORDER BY f.id"
)

_encode = msgspec.json.Encoder().encode
read_data = msgspec.json.Decoder(dict[str, Any]).decode
"""The additional data of a post, from its text."""


def data_text(data: Mapping[str, Any]) -> str:
    """The additional data of a post, to be stored."""
    return _encode(data).decode()


def with_features(one: str, many: str) -> Gatherable:
    """A post with its features, a row for each. `one` and `many` stand behind `id`: a place for one post, for many."""
    return Gatherable(_WITH_FEATURES.format(key="", id=one), _WITH_FEATURES.format(key=", p.id", id=many), 200)


def order_of(query: PostQuery) -> str:
    """The ORDER BY clause of a page; the id settles what is equal otherwise."""
    by = "" if query.sort == "id" else f"{query.sort} {query.sort_dir}, "
    return f"ORDER BY {by}id {query.sort_dir}"


def post_of(row: Sequence[Any]) -> Post:
    """A row of COLUMNS, its time in milliseconds."""
    return Post(row[0], row[1], row[2], read_data(row[3]), from_milliseconds(row[4]), row[5])


def post_with_features_of(rows: Sequence[Sequence[Any]]) -> PostWithFeatures | None:
    """The rows of `with_features`, their time in milliseconds, their booleans numbers."""
    if not rows:
        return None
    features = [Feature(row[6], row[7], bool(row[8])) for row in rows if row[6] is not None]
    id_, title, content, data, created_at, version = rows[0][:6]
    return PostWithFeatures(id_, title, content, read_data(data), from_milliseconds(created_at), version, features)

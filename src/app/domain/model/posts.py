"""Posts: what they hold, what may be put in, and how they are listed."""

import enum
from datetime import UTC, datetime, timedelta

import attrs
from attrs.validators import ge, le, max_len, min_len, optional

from app.domain.errors import Conflict, NotFound, Stale
from app.domain.model.features import Feature, NewFeature
from app.domain.model.paging import CURSOR, INT64_MAX, LIMIT, OFFSET, Position, SortDir

TITLE_MAX = 100
CONTENT_MAX = 500
FEATURES_MAX = 20


class PostNotFound(NotFound):
    """No post has this id."""

    code = "POST_NOT_FOUND"


class TitleTaken(Conflict):
    """Another post has this title already."""

    code = "TITLE_TAKEN"


class PostChanged(Stale):
    """The post was changed by someone else since the caller read it."""

    code = "POST_CHANGED"


@attrs.frozen
class NewPost:
    """What a caller writes: the whole of a post but for what the service itself gives it."""

    title: str = attrs.field(validator=[min_len(1), max_len(TITLE_MAX)])
    content: str = attrs.field(validator=max_len(CONTENT_MAX))
    additional_data: dict[str, object] = attrs.field(factory=dict)
    features: list[NewFeature] = attrs.field(factory=list, validator=max_len(FEATURES_MAX))


@attrs.frozen
class Post:
    """A post as stored. `created_at` is UTC, in whole milliseconds; `version` counts its changes, from 1."""

    id: int
    title: str
    content: str
    additional_data: dict[str, object]
    created_at: datetime
    version: int


@attrs.frozen
class PostWithFeatures(Post):
    """A post and its features, read in the same moment."""

    features: list[Feature]


class PostSort(enum.StrEnum):
    """The fields by which posts can be sorted."""

    CREATED_AT = "created_at"
    TITLE = "title"
    ID = "id"

    @property
    def value_type(self) -> type[str] | type[int]:
        """The type of a position's value in a list sorted by this field."""
        return str if self is PostSort.TITLE else int


@attrs.frozen
class PostQuery:
    """Which posts to list and in which order; equal values are ordered by id, in the same direction."""

    limit: int = attrs.field(default=20, validator=[ge(1), le(100)], metadata=LIMIT)
    offset: int = attrs.field(default=0, validator=[ge(0), le(INT64_MAX)], metadata=OFFSET)
    cursor: str | None = attrs.field(default=None, validator=optional(max_len(1000)), metadata=CURSOR)
    sort: PostSort = attrs.field(default=PostSort.CREATED_AT, metadata={"description": "By what to sort"})
    sort_dir: SortDir = attrs.field(default=SortDir.DESC, metadata={"description": "In which direction to sort"})
    title: str | None = attrs.field(
        default=None,
        validator=optional([min_len(1), max_len(TITLE_MAX)]),
        metadata={"description": "Only the post that has this title"},
    )

    @property
    def order(self) -> str:
        """The order's name, to tell whether a cursor was made for it."""
        return f"{self.sort}.{self.sort_dir}"


def position_of(post: Post, sort: PostSort) -> Position:
    """Where a list sorted by `sort` stands after this post; a moment counts in milliseconds since 1970."""
    match sort:
        case PostSort.CREATED_AT:
            return Position(milliseconds(post.created_at), post.id)
        case PostSort.TITLE:
            return Position(post.title, post.id)
        case PostSort.ID:
            return Position(post.id, post.id)


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


def milliseconds(moment: datetime) -> int:
    """Whole milliseconds from 1970 to `moment`, which is aware."""
    return (moment - EPOCH) // MILLISECOND


def from_milliseconds(count: int) -> datetime:
    """The moment in UTC that many milliseconds after 1970; exact, where a division into seconds is not."""
    return EPOCH + timedelta(milliseconds=count)

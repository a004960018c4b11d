"""Values for tests: whole and valid, but for what the test says."""

from datetime import UTC, datetime, timedelta

import attrs

from app.domain.model.features import Feature, NewFeature
from app.domain.model.posts import NewPost, Post

SOME_MOMENT = datetime(2026, 3, 14, 15, 9, 26, 535_000, UTC)


def a_new_post(
    title: str = "A title",
    content: str = "Some content.",
    additional_data: dict[str, object] | None = None,
    features: list[NewFeature] | None = None,
) -> NewPost:
    """A post to be stored."""
    return NewPost(title, content, additional_data or {}, features or [])


def a_post(post_id: int = 1, **changes: object) -> Post:
    """A post as a storage would give it; `changes` are fields of Post."""
    fields: dict[str, object] = {
        "title": "A title",
        "content": "Some content.",
        "additional_data": {},
        "created_at": SOME_MOMENT,
        "version": 1,
    }
    return Post(id=post_id, **(fields | changes))  # type: ignore[arg-type]  # any field by its name


def a_new_feature(name: str = "dark_mode", *, is_active: bool = True) -> NewFeature:
    """A feature to be attached."""
    return NewFeature(name, is_active)


def a_feature(feature_id: int = 1, name: str = "dark_mode", *, is_active: bool = True) -> Feature:
    """A feature as a storage would give it."""
    return Feature(feature_id, name, is_active)


@attrs.define
class FixedClock:
    """A clock that stands still until it is moved."""

    moment: datetime = SOME_MOMENT

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, **span: float) -> None:
        """Move it on by a timedelta's arguments, such as `seconds=1`."""
        self.moment += timedelta(**span)

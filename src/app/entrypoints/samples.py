"""A few posts to look at on the first run."""

from app.domain.model.features import NewFeature
from app.domain.model.posts import NewPost, PostQuery
from app.domain.services.posts import PostService

SAMPLES = (
    NewPost(
        "Hello, hexagon",
        "The domain in the middle knows nothing of HTTP, nor of SQL.",
        {"language": "en", "reading_minutes": 1},
        [NewFeature("comments"), NewFeature("likes"), NewFeature("polls", is_active=False)],
    ),
    NewPost("Ports and adapters", "A port says what is needed; an adapter knows how.", {}, [NewFeature("comments")]),
    NewPost("Fakes, not mocks", "Unit tests put the memory adapter where the database was.", {"tags": ["tests"]}),
)


async def put_samples(posts: PostService) -> int:
    """Publish the samples if there are no posts at all; how many were published."""
    page = await posts.page(PostQuery(limit=1))
    if page.items:
        return 0
    for sample in SAMPLES:
        await posts.publish(sample)
    return len(SAMPLES)

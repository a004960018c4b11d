"""Posts over HTTP."""

import re

import attrs

from app.domain.model.paging import INT64_MAX, Page
from app.domain.model.posts import NewPost, Post, PostQuery, PostWithFeatures
from app.domain.services.posts import PostService
from app.entrypoints.http.access import public, requires
from app.entrypoints.http.definition import definition, response, response_empty, response_error, response_pagination
from app.entrypoints.http.errors import HttpError, MalformedRequest
from app.entrypoints.http.reply import Reply

WRITE = requires("posts:write")
ETAG = {"ETag": "The post's version, for If-Match and If-None-Match"}
EXAMPLE = {
    "title": "Hexagons",
    "content": "Ports inside, adapters outside.",
    "additional_data": {"language": "en"},
    "features": [{"feature_name": "comments", "is_active": True}],
}
POST = {
    "id": 4,
    "title": "Hexagons",
    "content": "Ports inside, adapters outside.",
    "additional_data": {"language": "en"},
    "created_at": "2026-01-31T12:00:00.250000Z",
    "version": 1,
}
POST_WITH_FEATURES = {**POST, "features": [{"id": 5, "feature_name": "comments", "is_active": True}]}
POST_ID = {"post_id": "The post's id"}


@attrs.frozen
class DetailQuery:
    """How much of a post to show."""

    include_inactive: bool = attrs.field(default=False, metadata={"description": "Also features switched off"})


@attrs.frozen
class IfMatch:
    """The state that the caller wants to change: the ETag it read, or `*` for any."""

    if_match: str | None = attrs.field(
        default=None, metadata={"description": "The ETag of the state to change, or `*` for any"}
    )


class PostHandlers:
    """The routes of posts."""

    def __init__(self, posts: PostService) -> None:
        self._posts = posts

    @definition(
        path="/posts",
        access=public,
        tags=["posts"],
        responses={
            "200": response_pagination(
                Post, "A page of posts", headers={"Link": "The other pages (RFC 8288)"}, example=POST
            )
        },
    )
    async def list_posts(self, query: PostQuery) -> Page[Post]:
        """List posts.

        Newest first unless another order is asked for. Follow `next_cursor` through long lists: a cursor
        neither skips nor repeats posts, however many are added meanwhile. The `Link` header stays with the way that was
        taken, offset or cursor.
        """
        return await self._posts.page(query)

    @definition(
        path="/posts",
        methods="POST",
        access=WRITE,
        tags=["posts"],
        responses={
            "201": response(
                PostWithFeatures,
                "The post",
                headers={**ETAG, "Location": "Where the post is"},
                example=POST_WITH_FEATURES,
            ),
            "409": response_error("The title is taken"),
        },
        body_example=EXAMPLE,
        idempotent=True,
    )
    async def publish_post(self, body: NewPost) -> Reply:
        """Publish a post with its features, all or nothing."""
        post = await self._posts.publish(body)
        return Reply(post, location=f"/posts/{post.id}", etag=str(post.version))

    @definition(
        path="/posts/{post_id}",
        parameters=POST_ID,
        access=public,
        tags=["posts"],
        responses={
            "200": response(PostWithFeatures, "The post", headers=ETAG, example=POST_WITH_FEATURES),
            "304": response_empty("The caller has this version already"),
        },
    )
    async def get_post(self, post_id: int, query: DetailQuery) -> Reply:
        """Show a post with its active features, or with all of them."""
        post = await self._posts.get(post_id, include_inactive=query.include_inactive)
        return Reply(post, etag=str(post.version))

    @definition(
        path="/posts/{post_id}",
        parameters=POST_ID,
        methods="PUT",
        access=WRITE,
        tags=["posts"],
        responses={
            "200": response(PostWithFeatures, "The post as it is now", headers=ETAG, example=POST_WITH_FEATURES),
            "409": response_error("The title is taken"),
            "412": response_error("The post was changed meanwhile: read it again"),
            "428": response_error("If-Match is missing"),
        },
        body_example=EXAMPLE,
    )
    async def edit_post(self, post_id: int, headers: IfMatch, body: NewPost) -> Reply:
        """Replace a post and its features, if it is still as the caller read it."""
        post = await self._posts.edit(post_id, body, version_to_change(headers))
        return Reply(post, etag=str(post.version))

    @definition(
        path="/posts/{post_id}",
        parameters=POST_ID,
        methods="DELETE",
        access=WRITE,
        tags=["posts"],
        responses={
            "204": response_empty("The post is gone"),
            "412": response_error("The post was changed meanwhile: read it again"),
        },
    )
    async def remove_post(self, post_id: int, headers: IfMatch) -> None:
        """Remove a post and its features; with If-Match, only if it is still as the caller read it."""
        await self._posts.remove(post_id, version_of(headers.if_match or "*"))


def version_to_change(headers: IfMatch) -> int | None:
    """The version that a change is for, None for any. Raises HttpError 428 when the caller doesn't say (RFC 6585)."""
    if headers.if_match is None:
        raise HttpError(428, "PRECONDITION_REQUIRED", "Send If-Match with the ETag that you read, or with *.")
    return version_of(headers.if_match)


def version_of(if_match: str) -> int | None:
    """The version that an If-Match header names, None for `*`. Raises MalformedRequest for anything else."""
    if if_match.strip() == "*":
        return None
    tag = re.fullmatch(r'\s*"([0-9]{1,19})"\s*', if_match)
    if tag is None or int(tag[1]) > INT64_MAX:
        raise MalformedRequest("INVALID_IF_MATCH", 'Send one ETag as you read it, such as "3".', field_name="If-Match")
    return int(tag[1])

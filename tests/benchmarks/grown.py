"""The service with further routes: `/rows`, whose pages may be long, and as many as `ROUTES` says."""

import os

import attrs
import uvloop
from attrs.validators import ge, le
from dependency_injector import providers

from app.adapters.config.loading import load_settings
from app.container import Container
from app.domain.model.paging import Page
from app.domain.model.posts import Post, PostQuery
from app.domain.services.posts import PostService
from app.entrypoints.api.health import Health
from app.entrypoints.http.access import public
from app.entrypoints.http.definition import definition, response, response_pagination
from app.entrypoints.serving.alone import leave_on_signals
from app.entrypoints.serving.listening import sockets_for
from app.entrypoints.serving.worker import Worker


@attrs.frozen
class LongQuery(PostQuery):
    """Which posts to list: up to 1,000."""

    limit: int = attrs.field(default=20, validator=[ge(1), le(1000)])


class Rows:
    """Long pages."""

    def __init__(self, posts: PostService) -> None:
        self._posts = posts

    @definition(path="/rows", access=public, responses={"200": response_pagination(Post)})
    async def rows(self, query: LongQuery) -> Page[Post]:
        """List many posts."""
        return await self._posts.page(query)


def one_more(number: int) -> object:
    """A group of one route, which differs from the others behind a name."""

    class More:
        @definition(
            path=f"/many/{{name}}/r{number}",
            access=public,
            responses={"200": response(Health)},
            operation_id=f"more_{number}",
        )
        async def more(self, name: str) -> Health:
            """Answer."""
            return Health("alive")

    return More()


async def main() -> None:
    """Serve until SIGTERM."""
    loaded = load_settings()
    container = Container(settings=loaded.settings, loaded=loaded)
    more = [one_more(number) for number in range(int(os.environ.get("ROUTES", "0")))]
    container.operations.override(providers.Object([*container.operations(), Rows(container.post_service()), *more]))
    leaving = leave_on_signals()
    worker = Worker(container, sockets_for(loaded.settings, os.environ))
    try:
        await worker.open()
        await worker.accept()
        await worker.leave(await leaving)
    finally:
        await worker.close()


if __name__ == "__main__":
    uvloop.run(main())

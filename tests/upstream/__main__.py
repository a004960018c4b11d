"""`make upstream`: serves the stand-in where the service looks for it in development."""

from urllib.parse import urlsplit

from aiohttp import web

from app.adapters.app_pages.upstream import STAND_IN
from app.domain.model.store_pages import Store
from tests.upstream.samples import GAME, sample_pages
from tests.upstream.stand_in import stand_in

if __name__ == "__main__":
    where = urlsplit(STAND_IN)
    print(f"app_pages, such as {STAND_IN}/v1/{Store.ANDROID}/apps/{GAME.id}")
    web.run_app(stand_in(sample_pages()), host=where.hostname, port=where.port, print=None)

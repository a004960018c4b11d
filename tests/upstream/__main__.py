"""`make upstream`: serves the stand-in where the service looks for it in development, or on the port that is given."""

import sys
from urllib.parse import urlsplit

from aiohttp import web

from app.adapters.app_pages.upstream import STAND_IN
from app.domain.model.store_pages import Store
from tests.upstream.samples import GAME, sample_pages
from tests.upstream.stand_in import stand_in

if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else urlsplit(STAND_IN).port
    print(f"app_pages is at http://127.0.0.1:{port} now, until Ctrl-C. Ask it, or the service that `make run` started:")
    print(f"  curl http://127.0.0.1:{port}/v1/{Store.ANDROID}/apps/{GAME.id}")
    print(f"  curl http://127.0.0.1:8000/api/v1/store-pages/apps/{Store.ANDROID}/{GAME.id}", flush=True)
    web.run_app(stand_in(sample_pages()), host="127.0.0.1", port=port, print=None)

"""What the stand-in has in its stores."""

from datetime import UTC, datetime

from app.adapters.memory.store_pages import MemoryStorePages, StoreDeveloper
from app.domain.model.store_pages import DeveloperContext, Store, StoreApp, StorePost

GAME = StoreApp("com.example.chess", "Chess", "example-games", "games", 4.5)
OTHER_GAME = StoreApp("com.example.go", "Go", "example-games", "games", None)
BLOCKED_GAME = StoreApp("com.example.dice", "Dice", "example-games", "games", 1.2)
DEVELOPER = StoreDeveloper("Example Games", DeveloperContext("NL", "https://games.example", is_verified=True))
SPARSE_DEVELOPER = StoreDeveloper("Ünïcode & Söhne", DeveloperContext(None, None, is_verified=False))
POSTS = [
    StorePost("Games of the month", "https://stores.example/games", datetime(2026, 1, 2, 9, 30, tzinfo=UTC)),
    StorePost("Behind the boards", "https://stores.example/boards", datetime(2025, 12, 24, 18, 0, tzinfo=UTC)),
]


def sample_pages() -> MemoryStorePages:
    """Three stores with something in each."""
    pages = MemoryStorePages()
    for store in Store:
        shelf = pages[store]
        shelf.apps.update({app.id: app for app in (GAME, OTHER_GAME, BLOCKED_GAME)})
        shelf.developers.update({"example-games": DEVELOPER, "Ünïcode/& Söhne?": SPARSE_DEVELOPER})
        shelf.featured.extend(POSTS)
        shelf.blocked.update({BLOCKED_GAME.id, "com.example.casino"})
    # Its ids look otherwise.
    pages[Store.IOS].apps["1234567890"] = StoreApp("1234567890", "Draughts", "example-games", "games", 3.0)
    return pages

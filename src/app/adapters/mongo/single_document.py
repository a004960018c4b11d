"""Units of work on a server without transactions: changes of one post and its features, which are one document.

They are made to a draft, and written in one step at the end, if nobody has changed the document meanwhile. A taken
title is noticed only then.
"""

from collections.abc import Sequence
from datetime import datetime

from app.adapters.mongo.client import Document
from app.adapters.mongo.documents import Documents
from app.adapters.mongo.features import MongoFeatureRepository, subdocuments
from app.adapters.mongo.posts import MongoPostRepository, contents, document_of, feature_of, post_of, with_features
from app.adapters.storage_errors import aborted, no_post, post_changed
from app.domain.errors import Unavailable
from app.domain.model.events import Event
from app.domain.model.features import Feature, FeatureQuery, NewFeature
from app.domain.model.idempotency import Attempt, KeptAnswer
from app.domain.model.paging import Page, Position
from app.domain.model.posts import NewPost, Post, PostQuery, PostWithFeatures


class SecondDocument(RuntimeError):
    """A unit of work changes more than one post, which this server cannot do all or not at all."""


class Draft:
    """The one document that a unit of work changes."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._id: int | None = None
        self._stored: Document | None = None
        self._changed: Document | None = None

    def holds(self, post_id: int) -> bool:
        """Whether it is this post that the unit changes."""
        return self._id == post_id

    @property
    def document(self) -> Document | None:
        """The post as the unit leaves it; None when it was removed."""
        return self._changed

    async def take(self, post_id: int) -> Document:
        """The post's document, to be changed. Raises PostNotFound and SecondDocument."""
        if not self.holds(post_id):
            found: Document | None = await self._documents.read(
                lambda db, session: db.posts.find_one({"_id": post_id}, session=session)
            )
            if found is None:
                raise no_post(post_id)
            self._begin(post_id)
            self._stored, self._changed = found, {**found, "features": list(found["features"])}
        if self._changed is None:
            raise no_post(post_id)
        return self._changed

    def put(self, document: Document) -> None:
        """A new post's document. Raises SecondDocument."""
        self._begin(document["_id"])
        self._changed = document

    def remove(self) -> None:
        """Take away what was taken."""
        self._changed = None

    async def write(self) -> None:
        """Store what was changed. Raises TransactionAborted when somebody else was faster, and TitleTaken."""
        stored, changed = self._stored, self._changed
        if stored is None:
            if changed is not None:
                await self._documents.write(lambda db, session: db.posts.insert_one(changed, session=session))
            return
        # Features have ids that are never given twice: whoever changed them left others behind.
        same = {name: stored[name] for name in ("_id", "version", "features")}
        if changed is None:
            result = await self._documents.write(lambda db, session: db.posts.delete_one(same, session=session))
            count = result.deleted_count
        else:
            result = await self._documents.write(
                lambda db, session: db.posts.replace_one(same, changed, session=session)
            )
            count = result.matched_count
        if not count:
            raise aborted()

    def _begin(self, post_id: int) -> None:
        if self._id is not None:
            raise SecondDocument(
                "This unit of work changes more than one post, which takes transactions: make MongoDB a replica set."
            )
        self._id = post_id


class DraftedPosts:
    """The port `PostRepository` in a unit of work. Lists show what is stored, without the draft."""

    def __init__(self, draft: Draft, documents: Documents) -> None:
        self._draft = draft
        self._documents = documents
        self._stored = MongoPostRepository(documents)

    async def find(self, post_id: int) -> Post | None:
        if self._draft.holds(post_id):
            return post_of(self._draft.document) if self._draft.document else None
        return await self._stored.find(post_id)

    async def find_with_features(self, post_id: int) -> PostWithFeatures | None:
        if self._draft.holds(post_id):
            return with_features(self._draft.document) if self._draft.document else None
        return await self._stored.find_with_features(post_id)

    async def page(self, query: PostQuery) -> Page[Post]:
        return await self._stored.page(query)

    async def page_after(self, query: PostQuery, position: Position, limit: int) -> list[Post]:
        return await self._stored.page_after(query, position, limit)

    async def add(self, new: NewPost, created_at: datetime) -> Post:
        (post_id,) = await self._documents.next_ids("posts", 1)
        document = document_of(new, post_id, created_at)
        self._draft.put(document)
        return post_of(document)

    async def save(self, post_id: int, new: NewPost, version: int | None) -> Post:
        document = await self._current(post_id, version)
        document |= {**contents(new), "version": document["version"] + 1}
        return post_of(document)

    async def remove(self, post_id: int, version: int | None) -> None:
        await self._current(post_id, version)
        self._draft.remove()

    async def _current(self, post_id: int, version: int | None) -> Document:
        document = await self._draft.take(post_id)
        if version is not None and document["version"] != version:
            raise post_changed()
        return document


class DraftedFeatures:
    """The port `FeatureRepository` in a unit of work. Lists show what is stored, without the draft."""

    def __init__(self, draft: Draft, documents: Documents) -> None:
        self._draft = draft
        self._documents = documents
        self._stored = MongoFeatureRepository(documents)

    async def page(self, query: FeatureQuery) -> Page[Feature]:
        return await self._stored.page(query)

    async def add(self, post_id: int, new: Sequence[NewFeature]) -> list[Feature]:
        return await self._extend((await self._draft.take(post_id))["features"], new)

    async def replace(self, post_id: int, new: Sequence[NewFeature]) -> list[Feature]:
        features = (await self._draft.take(post_id))["features"]
        features.clear()
        return await self._extend(features, new)

    async def _extend(self, features: list[Document], new: Sequence[NewFeature]) -> list[Feature]:
        ids = await self._documents.next_ids("features", len(new)) if new else ()
        added = subdocuments(ids, new)
        features += added
        return [feature_of(each) for each in added]


class NoAnswers:
    """The port `KeptAnswers` where nothing can be kept together with a post: refuses to."""

    async def keep(self, attempt: Attempt, answer: KeptAnswer, until: datetime) -> None:
        raise Unavailable("Send no Idempotency-Key: this storage can't keep an answer together with what was written.")


class NoEvents:
    """The port `EventLog` where nothing can be recorded together with a post: records nothing, as the pool warned."""

    async def add(self, event: Event) -> None:
        """Forget it."""

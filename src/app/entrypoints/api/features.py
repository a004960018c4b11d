"""Features over HTTP. Listing them decides nothing, so the handler asks the repository itself."""

from app.domain.model.features import Feature, FeatureQuery
from app.domain.model.paging import Page
from app.entrypoints.http.access import public
from app.entrypoints.http.definition import definition, response_pagination
from app.ports.features import FeatureRepository

FEATURE = {"id": 5, "feature_name": "comments", "is_active": True}


class FeatureHandlers:
    """The routes of features."""

    def __init__(self, features: FeatureRepository) -> None:
        self._features = features

    @definition(
        path="/features",
        access=public,
        tags=["features"],
        responses={"200": response_pagination(Feature, "A page of features", example=FEATURE)},
    )
    async def list_features(self, query: FeatureQuery) -> Page[Feature]:
        """List the features of all posts, active ones only unless asked otherwise."""
        return await self._features.page(query)

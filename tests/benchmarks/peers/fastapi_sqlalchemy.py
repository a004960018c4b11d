"""FastAPI, pydantic and SQLAlchemy's asyncio extension over asyncpg."""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any

import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import JSON, BigInteger, DateTime, ForeignKey, func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, selectinload


class Base(DeclarativeBase):
    pass


class FeatureRow(Base):
    __tablename__ = "features"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"))
    feature_name: Mapped[str]
    is_active: Mapped[bool]


class PostRow(Base):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    title: Mapped[str]
    content: Mapped[str]
    additional_data: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    version: Mapped[int] = mapped_column(BigInteger)
    features: Mapped[list[FeatureRow]] = relationship(order_by=FeatureRow.id)


class NewFeature(BaseModel):
    feature_name: str = Field(min_length=1, max_length=20)
    is_active: bool = True


class NewPost(BaseModel):
    title: str = Field(min_length=1, max_length=100)
    content: str = Field(max_length=500)
    additional_data: dict[str, Any] = {}
    features: list[NewFeature] = Field(default=[], max_length=20)


class FromRow(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Feature(FromRow):
    id: int
    feature_name: str
    is_active: bool


class Post(FromRow):
    id: int
    title: str
    content: str
    additional_data: dict[str, Any]
    created_at: datetime
    version: int


class PostWithFeatures(Post):
    features: list[Feature]


class Health(BaseModel):
    status: str


class HealthResult(BaseModel):
    success: bool = True
    result: Health


class PostResult(BaseModel):
    success: bool = True
    result: PostWithFeatures


class Pagination(BaseModel):
    limit: int
    offset: int
    total: int


class PostPage(BaseModel):
    success: bool = True
    result: list[Post]
    pagination: Pagination


engine = create_async_engine(os.environ["DSN"].replace("postgresql://", "postgresql+asyncpg://"))
sessions = async_sessionmaker(engine, expire_on_commit=False)


async def session_of() -> AsyncIterator[AsyncSession]:
    async with sessions() as session:
        yield session


Session = Annotated[AsyncSession, Depends(session_of)]
app = FastAPI()


@app.get("/health/live")
async def live() -> HealthResult:
    return HealthResult(result=Health(status="alive"))


@app.get("/api/v1/posts/{post_id}")
async def get_post(post_id: int, session: Session) -> PostResult:
    post = await session.get(PostRow, post_id, options=[selectinload(PostRow.features)])
    if post is None:
        raise HTTPException(404)
    return PostResult(result=PostWithFeatures.model_validate(post))


@app.get("/api/v1/posts")
async def list_posts(
    session: Session, limit: Annotated[int, Query(ge=1, le=1000)] = 20, offset: Annotated[int, Query(ge=0)] = 0
) -> PostPage:
    newest = select(PostRow).order_by(PostRow.created_at.desc(), PostRow.id.desc()).limit(limit).offset(offset)
    rows = (await session.scalars(newest)).all()
    total = await session.scalar(select(func.count()).select_from(PostRow))
    return PostPage(
        result=[Post.model_validate(row) for row in rows],
        pagination=Pagination(limit=limit, offset=offset, total=total or 0),
    )


@app.post("/api/v1/posts", status_code=201)
async def publish_post(new: NewPost, session: Session) -> PostResult:
    row = PostRow(
        title=new.title, content=new.content, additional_data=new.additional_data, created_at=datetime.now(UTC),
        version=1, features=[FeatureRow(**each.model_dump()) for each in new.features],
    )  # fmt: skip
    session.add(row)
    await session.commit()
    return PostResult(result=PostWithFeatures.model_validate(row))


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="error", access_log=False)

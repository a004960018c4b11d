"""The statements of the service, for databases of SQL."""

COLUMNS = "id, title, content, additional_data, created_at, version"


def one(mark: str) -> str:
    """A post with its features, a row for each."""
    columns = ", ".join(f"p.{name}" for name in COLUMNS.split(", "))
    return (
        f"SELECT {columns}, f.id, f.feature_name, f.is_active FROM posts p LEFT JOIN features f ON f.post_id = p.id "
        f"WHERE p.id = {mark} ORDER BY f.id"
    )


def page(limit: str, offset: str) -> str:
    """The newest posts, each with the number of all."""
    return (
        f"SELECT {COLUMNS}, (SELECT count(*) FROM posts) FROM posts ORDER BY created_at DESC, id DESC "
        f"LIMIT {limit} OFFSET {offset}"
    )


def add(marks: str) -> str:
    return f"INSERT INTO posts (title, content, additional_data, created_at, version) VALUES ({marks}, 1)"


def add_features(marks: str, count: int) -> str:
    return f"INSERT INTO features (post_id, feature_name, is_active) VALUES {', '.join([f'({marks})'] * count)}"

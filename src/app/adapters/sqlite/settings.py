"""The settings of the embedded storage."""

from pathlib import Path

import attrs
from attrs.validators import ge, gt, in_, le

from app.adapters.config.setting import setting


@attrs.frozen
class SqliteSettings:
    """Where the data file is, and how long its calls may take (seconds)."""

    path: Path = setting(Path("data/app.db"), "The data file; `app.db` in `APP_DATA_DIR` unless set")
    synchronous: str = setting(
        "FULL", "FULL survives a power cut, NORMAL only the end of the process", validator=in_(["FULL", "NORMAL"])
    )
    readers: int = setting(4, "Connections for reading", validator=[ge(1), le(64)])
    busy_timeout: float = setting(1.0, "Seconds to wait for another process that writes", validator=[ge(0), le(60)])
    timeout: float = setting(5.0, "Seconds that a call may take outside of any request", validator=[gt(0), le(300)])

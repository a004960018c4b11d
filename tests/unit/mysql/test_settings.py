"""The address of a MySQL or MariaDB database, and how its pools are set."""

import pytest

from app.adapters.config.loading import load_settings
from app.adapters.config.secret import Dsn
from app.adapters.config.settings import Settings
from app.adapters.config.sources import EnvironmentSource, SettingsError
from app.adapters.mysql.settings import address_of


def loaded(**variables: str) -> Settings:
    return load_settings([EnvironmentSource({f"APP_{name}": text for name, text in variables.items()})]).settings


def test_an_address_is_taken_apart_and_decoded() -> None:
    address = address_of(Dsn("mysql://us%40er:p%2Fw%3A@db.example:3307/my%20base"))
    assert (address.host, address.port, address.user, address.database) == ("db.example", 3307, "us@er", "my base")
    assert address.password.reveal() == "p/w:"


def test_an_address_needs_no_port_and_no_password() -> None:
    address = address_of(Dsn("mariadb://user@[::1]/base"))
    assert (address.host, address.port, address.password.reveal()) == ("::1", 3306, "")


@pytest.mark.parametrize(
    "text",
    ["postgresql://a:b@c/d", "mysql://c/d", "mysql://a:b@c", "mysql://a:b@c/", "mysql://a:b@c/d/e", "mysql://a:b@c/d?ssl=1",
     "mysql://a:b@c:99999/d", "mysql://a:b@c:port/d"],
)  # fmt: skip
def test_an_address_that_says_too_little_or_too_much_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(SettingsError) as refused:
        loaded(MYSQL__PRIMARY__DSN=text)
    assert "APP_MYSQL__PRIMARY__DSN (environment): must be a URL such as mysql://" in str(refused.value)
    assert text not in str(refused.value)


def test_each_pool_has_its_own_settings() -> None:
    pools = loaded(
        MYSQL__PRIMARY__DSN="mysql://a:b@one/d", MYSQL__REPLICA__DSN="mysql://a:b@two/d", MYSQL__REPLICA__MAX_SIZE="3"
    ).mysql
    assert {name: (str(pool.dsn), pool.max_size) for name, pool in pools.items()} == {
        "primary": ("mysql://a:***@one/d", 10),
        "replica": ("mysql://a:***@two/d", 3),
    }

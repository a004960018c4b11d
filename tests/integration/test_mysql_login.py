"""How connections to MySQL or MariaDB are made: TLS, passwords, refusals, and what is told of them."""

import asyncio
import ipaddress
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlsplit

import attrs
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app.adapters.mysql.migrations import MysqlMigrations
from app.adapters.mysql.pool import MysqlPool
from app.adapters.storage_errors import StorageRefused
from app.domain.errors import Unavailable
from app.ports.migrations import MigrationError
from tests.mysql_databases import a_database, a_pool, execute, pool_settings
from tests.processes import free_port
from tests.servers.kinds import Server, server
from tests.servers.mariadb import MARIADB
from tests.servers.process import Launch

PASSWORD = "p/ä:😀?#@%"


def as_user(dsn: str, user: str, password: str) -> str:
    url = urlsplit(dsn)
    return url._replace(netloc=f"{user}:{quote(password, safe='')}@{url.hostname}:{url.port}").geturl()


@pytest.fixture
def user_dsn(mariadb_server: Server) -> Iterator[str]:
    """A database, and a user of it whose password has every kind of character."""
    with a_database(mariadb_server.dsn) as dsn:
        name = urlsplit(dsn).path.removeprefix("/")
        execute(
            dsn,
            f"CREATE USER {name} IDENTIFIED BY '{PASSWORD}'",
            f"GRANT ALL ON {name}.* TO {name}",
            "FLUSH PRIVILEGES",
        )
        try:
            yield as_user(dsn, name, PASSWORD)
        finally:
            execute(dsn, f"DROP USER {name}")


async def test_a_password_may_have_any_character(user_dsn: str) -> None:
    async with a_pool(user_dsn) as pool:
        await pool.ping()
    assert MysqlMigrations({"primary": pool_settings(user_dsn)}).apply()


async def test_a_user_without_special_rights_can_end_its_own_queries(user_dsn: str) -> None:
    async with a_pool(user_dsn, max_size=1, statement_timeout=60) as pool, asyncio.timeout(10):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await pool.read("SELECT benchmark(1000000000000, sha2('x', 512))")
        await pool.ping()
    running = execute(user_dsn, "SELECT info FROM information_schema.processlist")
    assert not [info for (info,) in running if (info or "").startswith("SELECT benchmark")]


@pytest.mark.parametrize(
    ("part", "told"),
    [("password", "does not take this user"), ("database", "does not let this user use this database")],
)
async def test_a_server_that_lets_nobody_in_is_asked_once_and_named_without_its_password(
    user_dsn: str, part: str, told: str
) -> None:
    url = urlsplit(user_dsn)
    wrong = {
        "password": as_user(user_dsn, url.username or "", "wrong-secret"),
        "database": url._replace(path="/no_such_thing").geturl(),
    }[part]
    pool = MysqlPool("primary", pool_settings(wrong, open_timeout=25))
    async with asyncio.timeout(10):
        with pytest.raises(StorageRefused) as refused:
            await pool.open()
    assert refused.value.message.startswith(f"Check APP_MYSQL__PRIMARY__DSN: mysql://{url.username}:***@127.0.0.1")
    with pytest.raises(MigrationError) as no_migration:
        MysqlMigrations({"primary": pool_settings(wrong)}).status()
    for message in (refused.value.message, str(no_migration.value)):
        assert told in message
        assert "wrong-secret" not in message
        assert quote(PASSWORD, safe="") not in message


async def test_a_database_that_is_not_there_is_told(mysql_dsn: str) -> None:
    wrong = urlsplit(mysql_dsn)._replace(path="/no_such_thing").geturl()
    with pytest.raises(StorageRefused, match=r"no_such_thing has no such database; create it,.*\(Unknown database"):
        await MysqlPool("primary", pool_settings(wrong)).open()


async def test_a_server_that_is_not_there_is_tried_until_the_time_is_over() -> None:
    pool = MysqlPool("primary", pool_settings(f"mysql://a:hidden@127.0.0.1:{free_port()}/c", open_timeout=0.5))
    async with asyncio.timeout(10):
        with pytest.raises(Unavailable) as gone:
            await pool.open()
    assert "APP_MYSQL__PRIMARY__DSN" in gone.value.message
    assert "does not answer (Connection refused). Start it" in gone.value.message
    assert "hidden" not in gone.value.message


async def test_tls_is_not_given_up_where_the_server_offers_none(mariadb_server: Server) -> None:
    if "MariaDB" not in execute(mariadb_server.dsn, "SELECT version()")[0][0]:
        pytest.skip("A MySQL server makes itself a certificate.")
    with a_database(mariadb_server.dsn) as dsn:
        pool = MysqlPool("primary", pool_settings(dsn, tls="require"))
        with pytest.raises(StorageRefused, match="TLS"):
            await pool.open()
        with pytest.raises(MigrationError, match="TLS"):
            MysqlMigrations({"primary": pool_settings(dsn, tls="require")}).status()


async def test_tls_files_that_are_not_there_are_named(mysql_dsn: str) -> None:
    pool = MysqlPool("primary", pool_settings(mysql_dsn, tls="verify-full", tls_ca=Path("/nowhere.pem")))
    with pytest.raises(StorageRefused, match="APP_MYSQL__PRIMARY__TLS_CA"):
        await pool.open()


def make_certificate(folder: Path) -> Path:
    """A certificate of its own authority for 127.0.0.1, beside its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test server")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "server.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "server.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (folder / "server.key").chmod(0o644)
    return folder / "server.pem"


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A server that offers TLS, and the authority of its certificate."""
    authorities: list[Path] = []

    def launch(folder: Path, port: int) -> Launch | None:
        plain = MARIADB.launch(folder, port)
        if plain is None:
            return None
        authorities.append(make_certificate(folder))
        return attrs.evolve(
            plain, argv=[*plain.argv, f"--ssl-cert={folder}/server.pem", f"--ssl-key={folder}/server.key"]
        )

    with (
        server(attrs.evolve(MARIADB, launch=launch, docker=None), private=True) as started,
        a_database(started.dsn) as dsn,
    ):
        yield dsn, authorities[0]


async def test_a_verified_server_is_spoken_to_in_cipher(tls_server: tuple[str, Path]) -> None:
    dsn, authority = tls_server
    async with a_pool(dsn, tls="verify-full", tls_ca=authority) as pool:
        assert (await pool.read("SHOW STATUS LIKE 'Ssl_cipher'"))[0][1]
    assert MysqlMigrations({"primary": pool_settings(dsn, tls="verify-full", tls_ca=authority)}).apply()


async def test_a_server_need_not_be_verified(tls_server: tuple[str, Path]) -> None:
    async with a_pool(tls_server[0], tls="require") as pool:
        assert (await pool.read("SHOW STATUS LIKE 'Ssl_cipher'"))[0][1]


async def test_a_server_of_an_unknown_authority_is_refused(tls_server: tuple[str, Path]) -> None:
    with pytest.raises(StorageRefused, match="certificate"):
        await MysqlPool("primary", pool_settings(tls_server[0], tls="verify-full")).open()


async def test_a_server_of_another_name_is_refused_where_names_are_checked(tls_server: tuple[str, Path]) -> None:
    dsn, authority = tls_server
    elsewhere = dsn.replace("127.0.0.1", "localhost")
    async with a_pool(elsewhere, tls="verify-ca", tls_ca=authority) as pool:
        await pool.ping()
    with pytest.raises(StorageRefused, match="localhost"):
        await MysqlPool("primary", pool_settings(elsewhere, tls="verify-full", tls_ca=authority)).open()

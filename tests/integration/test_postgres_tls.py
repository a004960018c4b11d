"""PostgreSQL over TLS, with a certificate that the settings tell whether to trust."""

import datetime as dt
import ipaddress
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.adapters.postgres.migrations import PostgresMigrations
from app.adapters.postgres.pool import PostgresPool
from app.domain.errors import Unavailable
from app.ports.migrations import MigrationError
from tests.postgres_databases import connected, opened, pool_settings
from tests.servers.kinds import Server, server
from tests.servers.postgres import POSTGRES
from tests.servers.process import UNPRIVILEGED

ENCRYPTED = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"


def write_certificate(folder: Path, address: str) -> Path:
    """A key and a certificate for `address` that is its own authority; where the certificate is."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a server for tests")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (folder / "key.pem").chmod(0o600)
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return folder / "certificate.pem"


@pytest.fixture(scope="module")
def certificate() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tls-") as folder:
        where = Path(folder)
        made = write_certificate(where, "127.0.0.1")
        where.chmod(0o755)
        if UNPRIVILEGED is not None:
            shutil.chown(where / "key.pem", UNPRIVILEGED)
        yield made


@pytest.fixture(scope="module")
def dsn(certificate: Path) -> Iterator[str]:
    """A server that speaks TLS with this certificate."""
    with server(POSTGRES, private=True) as started:
        assert isinstance(started, Server)
        with connected(started.dsn) as connection:
            connection.execute(f"ALTER SYSTEM SET ssl_cert_file = '{certificate}'")
            connection.execute(f"ALTER SYSTEM SET ssl_key_file = '{certificate.parent / 'key.pem'}'")
            connection.execute("ALTER SYSTEM SET ssl = on")
            connection.execute("SELECT pg_reload_conf()")
        yield started.dsn


@pytest.mark.parametrize(("tls", "encrypted"), [("disable", False), ("prefer", True), ("require", True)])
async def test_connections_are_encrypted_as_set(dsn: str, tls: str, *, encrypted: bool) -> None:
    async with opened(dsn, tls=tls) as pool:
        assert (await pool.fetch(ENCRYPTED))[0][0] is encrypted


async def test_a_server_that_is_verified_is_used(dsn: str, certificate: Path) -> None:
    async with opened(dsn, tls="verify-full", tls_ca=certificate) as pool:
        assert (await pool.fetch(ENCRYPTED))[0][0]
    assert PostgresMigrations({"primary": pool_settings(dsn, tls="verify-full", tls_ca=certificate)}).status()


async def test_a_server_that_somebody_else_vouches_for_is_refused(dsn: str, tmp_path: Path) -> None:
    other = write_certificate(tmp_path, "127.0.0.1")
    settings = pool_settings(dsn, tls="verify-full", tls_ca=other, open_timeout=0.1)
    with pytest.raises(Unavailable, match=r"(?i)certificate"):
        await PostgresPool("primary", settings).open()
    with pytest.raises(MigrationError, match=r"(?i)certificate"):
        PostgresMigrations({"primary": settings}).status()


async def test_an_authority_whose_file_is_missing_is_told(dsn: str, tmp_path: Path) -> None:
    settings = pool_settings(dsn, tls="verify-full", tls_ca=tmp_path / "missing.pem")
    with pytest.raises(Unavailable, match=r"Check APP_POSTGRES__PRIMARY__TLS_CA: .*missing\.pem cannot be read"):
        await PostgresPool("primary", settings).open()


async def test_a_server_without_tls_is_refused_where_it_is_required(postgres_server: Server) -> None:
    settings = pool_settings(postgres_server.dsn, tls="require", open_timeout=0.1)
    with pytest.raises(Unavailable, match=r"(?i)ssl"):
        await PostgresPool("primary", settings).open()

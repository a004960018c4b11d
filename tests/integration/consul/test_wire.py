"""What goes over the wire to Consul, and what may come back."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.integration.consul.agents import Agent, proxy
from tests.integration.consul.places import Place


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b"{}", b'{"a": 1}', b'[{"Key": 1}]', b"\xff", b"[" * 100_000])
def test_what_is_not_consul_is_told_apart(place: Place, agent: Agent, body: bytes) -> None:
    with proxy(agent.url) as before:
        before.fault = lambda handler: handler.answer(200, body)
        place.address = before.url
        message = place.refusal(CONSUL__REQUIRED=True)
    assert f"no settings from {before.url}" in message
    assert "Consul does" in message or "none of its answers" in message


def test_an_answer_without_end_is_cut(place: Place, agent: Agent) -> None:
    with proxy(agent.url) as before:
        before.fault = lambda handler: handler.answer(200, b"[" + b" " * (17 * 2**20))
        place.address = before.url
        assert "it sent too much" in place.refusal(CONSUL__REQUIRED=True)


def test_the_token_goes_in_a_header_and_nowhere_else(place: Place, agent: Agent) -> None:
    seen: list[tuple[str, str | None]] = []
    with proxy(agent.url) as before:

        def answer(handler: object) -> None:
            seen.append((handler.path, handler.headers["X-Consul-Token"]))  # type: ignore[attr-defined]  # a Handler
            handler.answer(200, b"[]")  # type: ignore[attr-defined]  # a Handler

        before.fault = answer
        place.address = before.url
        place.load(CONSUL__TOKEN="canary", CONSUL__DATACENTER="dc2")
    assert seen == [("/v1/kv/app/?recurse=1&dc=dc2", "canary")]


def test_other_variables_change_nothing(place: Place, agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    agent.fill({"name": "there"})
    monkeypatch.setenv("CONSUL_HTTP_ADDR", "https://elsewhere:1")
    monkeypatch.setenv("CONSUL_HTTP_TOKEN", "canary")
    monkeypatch.setenv("CONSUL_HTTP_SSL", "true")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert place.load().settings.name == "there"


def test_authorities_that_cannot_be_read_are_named(place: Place) -> None:
    place.address = "https://127.0.0.1:9"
    assert "APP_CONSUL__CA: /nowhere.pem cannot be used" in place.refusal(
        CONSUL__CA="/nowhere.pem", CONSUL__REQUIRED=True
    )


def test_over_tls_the_agent_must_prove_who_it_is(place: Place, agent: Agent, tmp_path: Path) -> None:
    agent.fill({"name": "there"})
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(a_certificate(tmp_path))
    with proxy(agent.url, context) as before:
        place.address = before.url
        assert "cannot be reached" in place.refusal(CONSUL__REQUIRED=True)
        assert place.load(CONSUL__CA=tmp_path / "agent.pem").settings.name == "there"
        assert place.load(CONSUL__VERIFY=False).settings.name == "there"


def a_certificate(folder: Path) -> Path:
    """A file with a key and a certificate for 127.0.0.1 that it signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "agent")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    file = folder / "agent.pem"
    key_bytes = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    file.write_bytes(key_bytes + certificate.public_bytes(pem))
    return file

"""Mails against a real SMTP server on this machine: STARTTLS, signing in, refusals, tries again."""

from __future__ import annotations

import io
import ipaddress
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlmodel import select

from pytake_app.accounts.models import Organization
from pytake_app.config import Settings
from pytake_app.core.clock import FrozenClock
from pytake_app.core.crypto import SecretBox
from pytake_app.core.db import Database
from pytake_app.outgoing.mail import ConsoleMailer, NoMailer, Postman, enqueue, forget_old, mailer_of
from pytake_app.outgoing.mail_models import OutgoingMail
from pytake_app.outgoing.mail_texts import TEMPLATES, compose
from tests.product import free_port


class Box:
    """A mail server's inside: what arrived, and what it answers next."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.senders: list[str] = []
        self.answers: list[str] = []
        self.recipients: list[str] = []

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: Any) -> str:
        if address.startswith("nobody"):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:
        if self.answers:
            return self.answers.pop(0)
        content = cast("bytes", envelope.content)
        self.mails.append(cast("EmailMessage", message_from_bytes(content, policy=policy.default)))
        self.senders.append(str(envelope.mail_from))
        self.recipients.extend(envelope.rcpt_tos)
        return "250 kept"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 and its key, signed by itself."""
    folder = tmp_path_factory.mktemp("smtp")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
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
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "cert.pem", folder / "key.pem"


def context_of(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    return context


Serve = Callable[..., tuple[Box, int]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start mail servers; options are aiosmtpd's."""
    running: list[Controller] = []

    def start(**options: Any) -> tuple[Box, int]:
        box = Box()
        controller = Controller(box, hostname="127.0.0.1", port=free_port(), **options)
        controller.start()
        running.append(controller)
        return box, controller.port

    yield start
    for controller in running:
        controller.stop()


@pytest.fixture
def organization(clean_db: Database) -> Organization:
    row = Organization(name="Casa Aurora", slug="aurora")
    with clean_db.tenant(row.id) as session:
        session.add(row)
    return row


def put(
    database: Database, settings: Settings, organization: Organization, clock: FrozenClock, to: str = "rui@example.com"
) -> None:
    with database.tenant(organization.id) as session:
        enqueue(
            session, SecretBox.from_settings(settings), to=to, template="password_reset", locale="pt_BR",
            values={"name": "Rui", "link": "https://x.example/reset/T0KEN", "minutes": "60"}, now=clock.now(),
        )  # fmt: skip


def rows(database: Database) -> list[OutgoingMail]:
    with database.system() as session:
        return list(session.exec(select(OutgoingMail).order_by(OutgoingMail.recipient)))


def with_server(settings: Settings, url: str, certificate: tuple[Path, Path] | None = None) -> Settings:
    more = {**settings.model_dump(), "smtp_url": url, "public_url": "https://x.example"}
    more |= {"mail_from": "Casa <atende@aurora.example>", "smtp_ca_file": certificate[0] if certificate else None}
    return Settings(**more)


def test_a_mail_leaves_once_over_starttls_signed_in(
    clean_db: Database, settings: Settings, organization: Organization, frozen_clock: FrozenClock, serve: Serve,
    certificate: tuple[Path, Path],
) -> None:  # fmt: skip
    seen: list[tuple[bytes, bytes]] = []

    def admit(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        seen.append((data.login, data.password))
        return AuthResult(success=data.password == b"p@ss word")

    box, port = serve(
        tls_context=context_of(certificate), require_starttls=True, authenticator=admit, auth_required=True
    )
    mine = with_server(settings, f"smtp://rui:p%40ss%20word@127.0.0.1:{port}", certificate)
    put(clean_db, mine, organization, frozen_clock)
    assert "T0KEN" not in rows(clean_db)[0].values_cipher
    postman = Postman(mine, clean_db, frozen_clock)
    assert (postman.deliver_due(), postman.deliver_due()) == (1, 0)
    assert seen == [(b"rui", b"p@ss word")]
    (mail,) = box.mails
    assert (mail["To"], mail["From"]) == ("rui@example.com", "Casa <atende@aurora.example>")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "nova senha" in mail["Subject"]
    plain, html = (part.get_content() for part in mail.iter_parts())
    assert "https://x.example/reset/T0KEN" in plain
    assert 'href="https://x.example/reset/T0KEN"' in html
    (row,) = rows(clean_db)
    assert (row.state, row.values_cipher, row.attempts) == ("sent", "", 1)
    frozen_clock.advance(timedelta(days=15))
    assert forget_old(clean_db, frozen_clock.now()) == 1


def test_nothing_is_said_to_a_server_that_is_not_who_it_should_be(
    clean_db: Database, settings: Settings, organization: Organization, frozen_clock: FrozenClock, serve: Serve,
    certificate: tuple[Path, Path],
) -> None:  # fmt: skip
    """Neither the password nor the mail goes where TLS is missing, or the certificate unknown."""
    tls, tls_port = serve(tls_context=context_of(certificate), require_starttls=True)
    bare, bare_port = serve()
    for port in (tls_port, bare_port):
        mine = with_server(settings, f"smtp://u:p@127.0.0.1:{port}")
        put(clean_db, mine, organization, frozen_clock)
        assert Postman(mine, clean_db, frozen_clock).deliver_due() == 1
    assert (tls.mails, bare.mails) == ([], [])
    assert {row.state for row in rows(clean_db)} == {"waiting"}
    assert {row.last_error for row in rows(clean_db)} == {"SSLCertVerificationError", "SMTPNotSupportedError"}


def test_what_fails_for_now_is_tried_again_later_and_given_up_in_the_end(
    clean_db: Database, settings: Settings, organization: Organization, frozen_clock: FrozenClock, serve: Serve
) -> None:
    dead = with_server(settings, f"smtp://127.0.0.1:{free_port()}?tls=no")
    put(clean_db, dead, organization, frozen_clock)
    postman = Postman(dead, clean_db, frozen_clock)
    assert [postman.deliver_due(), postman.deliver_due()] == [1, 0]
    box, port = serve()
    box.answers = ["451 4.3.0 come back later"]
    alive = Postman(with_server(settings, f"smtp://127.0.0.1:{port}?tls=no"), clean_db, frozen_clock)
    frozen_clock.advance(timedelta(seconds=31))
    assert alive.deliver_due() == 1
    assert (rows(clean_db)[0].state, rows(clean_db)[0].last_error) == ("waiting", "SMTPDataError 451")
    frozen_clock.advance(timedelta(seconds=61))
    assert alive.deliver_due() == 1
    assert (rows(clean_db)[0].state, len(box.mails)) == ("sent", 1)
    put(clean_db, dead, organization, frozen_clock, to="zoe@example.com")
    tries = 0
    while rows(clean_db)[1].state == "waiting":
        frozen_clock.advance(timedelta(hours=1))
        tries += postman.deliver_due()
    assert 40 < tries < 60
    assert (rows(clean_db)[1].state, rows(clean_db)[1].values_cipher) == ("failed", "")


def test_a_refusal_is_final_and_stops_nothing_else(
    clean_db: Database, settings: Settings, organization: Organization, frozen_clock: FrozenClock, serve: Serve
) -> None:
    box, port = serve()
    mine = with_server(settings, f"smtp://127.0.0.1:{port}?tls=no")
    put(clean_db, mine, organization, frozen_clock, to="nobody@example.com")
    put(clean_db, mine, organization, frozen_clock)
    assert Postman(mine, clean_db, frozen_clock).deliver_due() == 2
    assert [(row.recipient, row.state, row.last_error) for row in rows(clean_db)] == [
        ("nobody@example.com", "failed", "550"),
        ("rui@example.com", "sent", ""),
    ]
    assert box.recipients == ["rui@example.com"]


def test_a_mail_belongs_to_its_transaction(
    clean_db: Database, settings: Settings, organization: Organization, frozen_clock: FrozenClock
) -> None:
    class ChangedMindError(Exception): ...

    def change_ones_mind() -> None:
        with clean_db.tenant(organization.id) as session:
            enqueue(
                session, SecretBox.from_settings(settings), to="a@example.com", template="password_changed",
                locale="en", values={"when": "now"}, now=frozen_clock.now(),
            )  # fmt: skip
            raise ChangedMindError

    with pytest.raises(ChangedMindError):
        change_ones_mind()
    assert rows(clean_db) == []


def test_without_a_server_mails_are_shown_on_the_console_but_never_in_production(
    clean_db: Database, settings: Settings, organization: Organization, frozen_clock: FrozenClock
) -> None:
    assert isinstance(mailer_of(settings), ConsoleMailer)
    production = settings.model_copy(update={"environment": "production"})
    assert isinstance(mailer_of(production), NoMailer)
    out = io.StringIO()
    put(clean_db, settings, organization, frozen_clock)
    Postman(settings, clean_db, frozen_clock, ConsoleMailer(out)).deliver_due()
    assert out.getvalue().startswith("MAIL to rui@example.com: ")
    assert out.getvalue().endswith("https://x.example/reset/T0KEN\n")
    put(clean_db, settings, organization, frozen_clock, to="zoe@example.com")
    Postman(production, clean_db, frozen_clock).deliver_due()
    assert (rows(clean_db)[1].state, "SMTP_URL" in rows(clean_db)[1].last_error) == ("failed", True)


@pytest.mark.parametrize("locale", ["pt_BR", "en", "es"])
@pytest.mark.parametrize("template", TEMPLATES)
def test_every_template_says_all_it_should(template: str, locale: str) -> None:
    values = {
        name: f"<{name}>" for name in
        ("name", "when", "device", "address", "left", "inviter", "organization", "days", "minutes", "hours")
    } | {"link": "https://x.example/a?b=1&c=2"}  # fmt: skip
    mail = compose(template, locale, values)
    assert "{" not in mail.subject + mail.text
    assert "<inviter>" not in mail.html  # what people write is text in HTML too
    if template in ("invitation", "password_reset", "new_device", "confirm_email", "confirm_new_email"):
        assert "https://x.example/a?b=1&c=2" in mail.text
        assert 'href="https://x.example/a?b=1&amp;c=2"' in mail.html


def test_names_put_no_header_and_no_link_into_a_mail() -> None:
    mail = compose(
        "invitation", "en", {"inviter": "Eve\r\nBcc: all@example.com", "organization": "https://evil.example"}
    )
    assert "\n" not in mail.subject
    assert "https://evil.example" not in mail.text


@pytest.mark.parametrize("url", ["http://mail.example", "smtp://", "mail.example:25"])
def test_an_address_that_is_none_is_said_at_once(settings: Settings, url: str) -> None:
    with pytest.raises(ValueError, match="SMTP_URL"):
        mailer_of(with_server(settings, url))


def test_a_mail_server_needs_our_own_address(settings: Settings) -> None:
    with pytest.raises(ValueError, match="PUBLIC_URL"):
        Settings(**{**settings.model_dump(), "smtp_url": "smtp://127.0.0.1", "public_url": ""})

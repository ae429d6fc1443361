"""Mail: written down with what it is about, sent by the scheduler, so that a mail server that is down loses nothing.

`enqueue` belongs to the caller's transaction. `Postman.deliver_due` sends what is due, by SMTP (setting `SMTP_URL`) or,
without one, onto the console of who runs this installation (never in production: links in mails are credentials).
"""

from __future__ import annotations

import smtplib
import ssl
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from pathlib import Path
from typing import LiteralString, Protocol, TextIO
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID

import orjson
import structlog
from sqlalchemy import delete
from sqlmodel import Session, col, select

from pytake_app.config import Settings
from pytake_app.core.clock import Clock
from pytake_app.core.crypto import DecryptionError, SecretBox
from pytake_app.core.db import Database
from pytake_app.core.ids import new_id
from pytake_app.core.tenancy import organization_of
from pytake_app.outgoing.mail_models import OutgoingMail
from pytake_app.outgoing.mail_texts import Mail, compose

log = structlog.get_logger(__name__)

BATCH = 10
ANY_DUE: LiteralString = "SELECT 1 FROM mail_outbox WHERE state = 'waiting' AND next_try_at <= %(now)s"
"""Rows: one is due."""
LEASE = timedelta(minutes=10)
"""A mail whose sender went silent is tried again after this time; it may then arrive twice, never not at all."""
GIVE_UP_AFTER = timedelta(days=2)
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(hours=1)
KEEP_FINISHED = timedelta(days=14)
TIMEOUT_SECONDS = 20.0
_PORTS = {"smtp": 587, "smtp+starttls": 587, "smtps": 465}


class MailRefusedError(Exception):
    """The mail server doesn't want this mail, now or ever; the message is its answer's code."""


class Mailer(Protocol):
    """Sends one mail, or raises: `MailRefusedError` for good, `OSError` or `smtplib.SMTPException` for now."""

    def send(self, message: EmailMessage) -> None: ...


def enqueue(
    session: Session,
    box: SecretBox,
    *,
    to: str,
    template: str,
    locale: str,
    values: Mapping[str, str],
    now: datetime,
    organization_id: UUID | None = None,
) -> None:
    """Write down that a mail is to leave, in the caller's transaction.

    Parameters:
        template: `mail.<template>.subject` and so on in the catalogues.
        values: what the texts' placeholders stand for; `link`: where the button leads.
        organization_id: whose mail it is, where the transaction has no organization.
    """
    session.add(
        OutgoingMail(
            id=new_id(),
            organization_id=organization_id or organization_of(session),
            recipient=to,
            template=template,
            locale=locale,
            values_cipher=box.encrypt(orjson.dumps(dict(values)).decode()),
            next_try_at=now,
            created_at=now,
        )
    )
    session.flush()


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mails are handed in, read from a `SMTP_URL`."""

    host: str
    port: int
    user: str
    password: str
    implicit_tls: bool
    starttls: bool

    @classmethod
    def from_url(cls, url: str) -> SmtpServer:
        """Read `smtps://user:password@host` (TLS from the start) or `smtp://user:password@host:587` (STARTTLS).

        `smtp://host:25?tls=no` hands in without encryption, for a server on the same machine.

        Raises:
            ValueError: not such an address.
        """
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ValueError("SMTP_URL must look like smtp://user:password@mail.example.com:587 or smtps://…")
        return cls(
            host=parts.hostname,
            port=parts.port or _PORTS[parts.scheme],
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            implicit_tls=parts.scheme == "smtps",
            starttls=parts.scheme != "smtps" and parse_qs(parts.query).get("tls") != ["no"],
        )


class SmtpMailer:
    """Hands mails to an SMTP server; one connection a mail, for there are few."""

    def __init__(self, server: SmtpServer, *, ca_file: Path | None = None) -> None:
        self._server = server
        self._ca_file = ca_file

    def send(self, message: EmailMessage) -> None:
        """Hand one mail in.

        Raises:
            MailRefusedError: refused for good (RFC 5321, 4.2.1: codes of 500 and more about this mail).
            OSError, smtplib.SMTPException: another try may work.
        """
        server = self._server
        context = ssl.create_default_context(cafile=self._ca_file)
        if server.implicit_tls:
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=TIMEOUT_SECONDS, context=context
            )
        else:
            connection = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_SECONDS)
        with connection:
            if server.starttls:
                connection.starttls(context=context)
            if server.user:
                connection.login(server.user, server.password)
            try:
                connection.send_message(message)
            except smtplib.SMTPRecipientsRefused as error:
                codes = [code for code, _answer in error.recipients.values()]
                _raise_final(min(codes), error)
            except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
                _raise_final(error.smtp_code, error)


def _raise_final(code: int, error: smtplib.SMTPException) -> None:
    if code >= 500:
        raise MailRefusedError(str(code)) from error
    raise error


class ConsoleMailer:
    """Writes mails where the person who runs this installation reads them: one line each."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out

    def send(self, message: EmailMessage) -> None:
        """Write one mail's recipient, subject and link."""
        link = message["X-PyTake-Link"] or ""
        out = self._out or sys.stdout
        out.write(f"MAIL to {message['To']}: {message['Subject']} {link}".rstrip() + "\n")
        out.flush()


class NoMailer:
    """Production without a mail server: nothing may be shown, so nothing leaves."""

    def send(self, message: EmailMessage) -> None:
        """Refuse."""
        del message
        raise MailRefusedError("no mail server is set up (SMTP_URL)")


def mailer_of(settings: Settings) -> Mailer:
    """The way mails take on this installation."""
    url = settings.smtp_url.get_secret_value()
    if url:
        return SmtpMailer(SmtpServer.from_url(url), ca_file=settings.smtp_ca_file)
    return NoMailer() if settings.environment == "production" else ConsoleMailer()


class Postman:
    """Sends what is due. Any number of them may run at once.

    Parameters:
        mailer: the settings' own by default.
    """

    def __init__(self, settings: Settings, database: Database, clock: Clock, mailer: Mailer | None = None) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._mailer = mailer or mailer_of(settings)
        self._box = SecretBox.from_settings(settings)

    def deliver_due(self) -> int:
        """Send mails that are due.

        Returns: how many were tried.
        """
        claimed = self._claim()
        for mail_id in claimed:
            self._deliver(mail_id)
        return len(claimed)

    def _claim(self) -> list[UUID]:
        now = self._clock.now()
        due = (
            select(OutgoingMail)
            .where(OutgoingMail.state == "waiting", col(OutgoingMail.next_try_at) <= now)
            .order_by(col(OutgoingMail.next_try_at))
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
        with self._database.system() as session:
            rows = session.exec(due).all()
            for row in rows:
                row.attempts += 1
                row.next_try_at = now + LEASE
            return [row.id for row in rows]

    def _deliver(self, mail_id: UUID) -> None:
        with self._database.system() as session:
            row = session.get_one(OutgoingMail, mail_id)
        final, problem = False, ""
        try:
            values = orjson.loads(self._box.decrypt(row.values_cipher))
            self._mailer.send(self._message(row, compose(row.template, row.locale, values)))
        except (MailRefusedError, DecryptionError) as error:
            final, problem = True, str(error)
        except smtplib.SMTPResponseException as error:
            problem = f"{type(error).__name__} {error.smtp_code}"
        except (OSError, smtplib.SMTPException) as error:
            problem = type(error).__name__  # a certificate that is not the server's is a ValueError too
        except (KeyError, ValueError) as error:  # a template that is gone, an address that can't stand in a header
            final, problem = True, type(error).__name__
        now = self._clock.now()
        with self._database.system() as session:
            row = session.get_one(OutgoingMail, mail_id)
            final = final or (bool(problem) and now - row.created_at > GIVE_UP_AFTER)
            row.last_error = problem
            if final or not problem:
                row.state, row.finished_at, row.values_cipher = ("failed" if final else "sent"), now, ""
            else:
                row.next_try_at = now + min(FIRST_WAIT * 2 ** min(row.attempts - 1, 10), LONGEST_WAIT)
            session.add(row)
        if problem:
            log.warning("mail_not_sent", mail_id=str(mail_id), template=row.template, final=final, problem=problem)

    def _message(self, row: OutgoingMail, mail: Mail) -> EmailMessage:
        message = EmailMessage()
        message["Subject"] = mail.subject
        message["From"] = self._settings.mail_from
        message["To"] = row.recipient
        message["Date"] = format_datetime(row.created_at)
        domain = parseaddr(self._settings.mail_from)[1].rpartition("@")[2]
        # The same one at every try, so that a mail that arrives twice can be told for what it is.
        message["Message-ID"] = f"<{row.id}@{domain}>" if domain else make_msgid()
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday answers, please
        if isinstance(self._mailer, ConsoleMailer):
            message["X-PyTake-Link"] = mail.link
        message.set_content(mail.text)
        message.add_alternative(mail.html, subtype="html")
        return message


def forget_old(database: Database, now: datetime) -> int:
    """Delete mails that left, or were given up, long ago."""
    with database.system() as session:
        old = delete(OutgoingMail).where(col(OutgoingMail.finished_at) < now - KEEP_FINISHED)
        return int(session.execute(old).rowcount)  # type: ignore[attr-defined]  # a DELETE's result has it

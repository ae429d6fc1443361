"""Mails about one's own account: in the reader's language and time zone."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_datetime
from sqlmodel import Session, select

from pytake_app.accounts import audit
from pytake_app.accounts.models import AuthSession, Organization, User
from pytake_app.config import Settings
from pytake_app.core.crypto import SecretBox
from pytake_app.core.tenancy import Actor, acting
from pytake_app.core.texts import text
from pytake_app.outgoing import mail

RECORDED = frozenset({"password_changed", "second_factor_on", "second_factor_off", "recovery_code_used"})
"""Mails whose reason changes no audited row; their names are the audit log's actions too."""
_BROWSERS = (
    ("Edge", r"Edg(?:e|A|iOS)?/"),
    ("Opera", r"OPR/"),
    ("Samsung Internet", r"SamsungBrowser/"),
    ("Firefox", r"Firefox/|FxiOS/"),
    ("Chrome", r"Chrome/|CriOS/"),
    ("Safari", r"Safari/"),
)
_SYSTEMS = (
    ("Android", r"Android"),
    ("iPhone", r"iPhone"),
    ("iPad", r"iPad"),
    ("Windows", r"Windows"),
    ("ChromeOS", r"CrOS"),
    ("macOS", r"Macintosh|Mac OS X"),
    ("Linux", r"Linux"),
)


def device_of(user_agent: str) -> tuple[str, str]:
    """(browser or program, system) by a User-Agent header; either may be empty."""
    browser = next((name for name, pattern in _BROWSERS if re.search(pattern, user_agent)), "")
    system = next((name for name, pattern in _SYSTEMS if re.search(pattern, user_agent)), "")
    if not browser:
        program = re.match(r"[\w.-]{1,40}", user_agent)  # e.g. `python-httpx/0.28.1`
        browser = program[0] if program else ""
    return browser, system


def device_words(user_agent: str, locale: str) -> str:
    """A device in words, e.g. "Chrome (Windows)"."""
    browser, system = device_of(user_agent)
    if not browser:
        return text(locale, "account.device_unknown")
    return f"{browser} ({system})" if system else browser


def when_words(moment: datetime, user: User, organization: Organization) -> str:
    """A time in the reader's language and time zone."""
    zone = ZoneInfo(user.time_zone or organization.time_zone)
    return format_datetime(moment, "long", tzinfo=zone, locale=Locale.parse(user.locale))


def tell(
    session: Session,
    settings: Settings,
    user: User,
    template: str,
    now: datetime,
    *,
    link: str = "",
    to: str = "",
    by: Actor | None = None,
    **values: str,
) -> None:
    """Mail somebody about their own account, with the transaction; what changed its security stands in the audit log.

    Parameters:
        link: a path on this installation.
        to: another mailbox than the account's own.
        by: who did it, where nobody is signed in.
    """
    if template in RECORDED:
        who = by or acting.get() or Actor("user", user.id, user.full_name)
        audit.record(
            session, who, template, "user", user.id, object_name=user.full_name, organization_id=user.organization_id
        )
    organization = session.exec(select(Organization).where(Organization.id == user.organization_id)).one()
    known = {"name": user.full_name, "when": when_words(now, user, organization), **values}
    if link:
        known["link"] = settings.link_base + link
    mail.enqueue(
        session, SecretBox.from_settings(settings), to=to or user.email, template=template, locale=user.locale,
        values=known, now=now, organization_id=user.organization_id,
    )  # fmt: skip


def tell_of_new_device(
    session: Session, settings: Settings, user: User, signed_in: AuthSession, now: datetime, *, known: bool
) -> None:
    """Mail somebody that a device signed in which we don't know; not at their very first sign-in.

    Parameters:
        known: by its cookie, or the very first. Programs have none: they are known by their name in an earlier
            sign-in, of a program: what a browser calls itself anybody may write.
    """
    if known or not user.tell_new_device:
        return
    if signed_in.kind == "api":
        earlier = select(AuthSession.id).where(
            AuthSession.user_id == user.id, AuthSession.id != signed_in.id, AuthSession.kind == "api",
            AuthSession.user_agent == signed_in.user_agent,
        )  # fmt: skip
        if session.exec(earlier.limit(1)).first() is not None:
            return
    tell(
        session, settings, user, "new_device", now, link="/settings/security",
        device=device_words(signed_in.user_agent, user.locale), address=signed_in.address or "?",
    )  # fmt: skip

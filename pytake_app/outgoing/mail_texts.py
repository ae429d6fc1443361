"""What mails say: from the catalogues, as plain text and as simple HTML that every mail program shows alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from pytake_app.core.texts import known_text, text

TEMPLATES = (
    "invitation",
    "password_reset",
    "password_changed",
    "new_device",
    "second_factor_on",
    "second_factor_off",
    "recovery_code_used",
    "confirm_email",
    "confirm_new_email",
    "email_changed",
    "email_in_use",
)
"""Each has `mail.<name>.subject` and `.lead`; `.button` where a link is given, and `.note` for the small print."""
_BUTTON = (
    "display:inline-block;padding:12px 20px;border-radius:6px;background:#208368;color:#ffffff;"
    "font-weight:600;text-decoration:none"
)


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail's words. `link`: where its button leads, empty without one."""

    subject: str
    text: str
    html: str
    link: str


def compose(template: str, locale: str, values: Mapping[str, str]) -> Mail:
    """The words of a mail.

    Parameters:
        values: stand for the placeholders; `link` is the button's address, `name` the reader's.

    Raises:
        KeyError: no such template.
    """
    # A line break in somebody's name must not become a header, nor a web address a link in our name.
    safe = {name: value if name == "link" else _tame(value) for name, value in values.items()}
    key, link = f"mail.{template}", values.get("link", "")
    greeting = text(locale, "mail.greeting", **safe) if safe.get("name") else text(locale, "mail.greeting_nobody")
    lead = text(locale, f"{key}.lead", **safe)
    note = known_text(locale, f"{key}.note", safe) or ""
    button = known_text(locale, f"{key}.button", safe) if link else None
    footer = text(locale, "mail.footer")
    plain = [greeting, lead, f"{button}:\n{link}" if button else "", note, f"-- \n{footer}"]
    parts = [f"<p>{escape(greeting)}</p>", f"<p>{escape(lead)}</p>"]
    if button:
        parts.append(f'<p style="margin:24px 0"><a href="{escape(link)}" style="{_BUTTON}">{escape(button)}</a></p>')
        parts.append(f'<p style="font-size:13px;color:#60646c;word-break:break-all">{escape(link)}</p>')
    if note:
        parts.append(f'<p style="color:#60646c">{escape(note)}</p>')
    parts.append(f'<p style="font-size:13px;color:#60646c;margin-top:32px">{escape(footer)}</p>')
    body = (
        '<div style="font-family:system-ui,Segoe UI,Roboto,Helvetica,Arial,sans-serif;font-size:15px;line-height:22px;'
        f'color:#1c2024;max-width:520px;margin:0 auto;padding:24px">{"".join(parts)}</div>'
    )
    html = f'<!doctype html><html lang="{locale.replace("_", "-")}"><body style="margin:0">{body}</body></html>'
    return Mail(
        subject=text(locale, f"{key}.subject", **safe), text="\n\n".join(filter(None, plain)), html=html, link=link
    )


def _tame(value: str) -> str:
    return " ".join(value.split()).replace("://", ": //")[:200]

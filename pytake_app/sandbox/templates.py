"""The templates that the stand-in of Meta keeps for a sandbox account: some of its own, and those submitted."""

from __future__ import annotations

import re
from typing import Any, Final

from sqlmodel import Session

from pytake_app.channels.base import JsonObject
from pytake_app.channels.whatsapp.sandbox_templates import sandbox_templates
from pytake_app.whatsapp import service as whatsapp
from pytake_app.whatsapp.service import AccountRuntime
from pytake_app.whatsapp.template_parts import parts_of

SUBMITTED: Final = "sandbox_templates"
DELETED: Final = "sandbox_templates_deleted"
MAX_SUBMITTED: Final = 250
MAX_BODY: Final = 1_024
_NAME: Final = re.compile(r"^[a-z0-9_]{1,512}$")
_FIRST_ID: Final = 97_100_000_000_001


def templates_of(account: AccountRuntime) -> list[JsonObject]:
    """All of them."""
    gone = set(account.own_settings.get(DELETED) or ())
    every = [*sandbox_templates(), *(account.own_settings.get(SUBMITTED) or ())]
    return [template for template in every if template["id"] not in gone]


def send_refusal(account: AccountRuntime, body: JsonObject) -> tuple[int, str, str] | None:
    """Why Meta would not send this template: code, title, details (Cloud API, Error codes, template errors). None: it
    would, or the message is no template."""
    if body.get("type") != "template":
        return None
    asked: Any = body.get("template") or {}
    name, language = str(asked.get("name", "")), str((asked.get("language") or {}).get("code", ""))
    found = next((t for t in templates_of(account) if (t["name"], t["language"]) == (name, language)), None)
    if found is None or found["status"] not in ("APPROVED", "PAUSED", "DISABLED"):
        details = f"template name ({name}) does not exist in {language}"
        return 132001, "Template name does not exist in the translation", details
    if found["status"] == "PAUSED":
        return 132015, "Template is paused", f"template ({name}) is paused due to low quality"
    if found["status"] == "DISABLED":
        return 132016, "Template is disabled", f"template ({name}) is disabled"
    expected, given = parts_of(found["components"]).variables, _body_values(asked.get("components"))
    if expected != given:
        details = (
            f"body: number of localizable_params ({given}) does not match the expected number of params ({expected})"
        )
        return 132000, "Number of parameters does not match the expected number of params", details
    return None


def _body_values(components: Any) -> int:
    """How many values a sent template brings for its body."""
    parts = components if isinstance(components, list) else []
    bodies = [part for part in parts if isinstance(part, dict) and str(part.get("type", "")).lower() == "body"]
    return sum(len(part.get("parameters") or ()) for part in bodies)


def page(account: AccountRuntime, *, limit: int, after: str, address: str) -> JsonObject:
    """A page in Graph's form; the cursor is a position."""
    every = templates_of(account)
    start = int(after) if after.isascii() and after.isdigit() else 0
    end = start + max(1, min(limit, 100))
    answer: JsonObject = {"data": every[start:end]}
    if every[start:end]:
        answer["paging"] = {"cursors": {"before": str(start), "after": str(end)}}
        if end < len(every):
            answer["paging"]["next"] = f"{address}?limit={limit}&after={end}"
    return answer


def complaint(account: AccountRuntime, body: Any) -> str | None:
    """What Meta would say against a submitted template."""
    if not isinstance(body, dict) or not isinstance(body.get("components"), list):
        return "(#100) The parameter components is required."
    if not _NAME.match(str(body.get("name", ""))):
        return "(#100) Message template names can only contain lowercase letters, numbers and underscores."
    if body.get("category") not in ("MARKETING", "UTILITY", "AUTHENTICATION"):
        return "(#100) Param category must be one of {AUTHENTICATION, MARKETING, UTILITY}."
    texts = [part.get("text") for part in body["components"] if isinstance(part, dict) and part.get("type") == "BODY"]
    if not texts or not isinstance(texts[0], str) or not texts[0].strip():
        return "(#100) The component of type BODY is missing expected field(s) (text)."
    text = texts[0].strip()
    if len(text) > MAX_BODY:
        return f"(#100) The body can have {MAX_BODY} characters at most."
    if text.startswith("{{") or text.endswith("}}"):
        return "(#100) Variables can't be at the start or end of the template."
    key = (body["name"], body.get("language"))
    if key in {(template["name"], template["language"]) for template in templates_of(account)}:
        return "(#100) Content in this language already exists for this template."
    if len(account.own_settings.get(SUBMITTED) or ()) >= MAX_SUBMITTED:
        return "(#100) This account has reached the limit of message templates."
    return None


def take(session: Session, account: AccountRuntime, body: JsonObject) -> JsonObject:
    """Keep a submitted template, approved; Graph's answer."""
    known: list[JsonObject] = list(account.own_settings.get(SUBMITTED) or ())
    last = max((int(template["id"]) for template in known), default=_FIRST_ID - 1)
    names = ("name", "language", "category", "components", "parameter_format")
    kept = {name: body[name] for name in names if name in body} | {"id": str(last + 1), "status": "APPROVED"}
    whatsapp.set_own_settings(session, account.id, {SUBMITTED: [*known, kept]})
    return {"id": kept["id"], "status": kept["status"], "category": kept["category"]}


def delete(session: Session, account: AccountRuntime, name: str, template_id: str) -> bool:
    """Delete a template, or the one of its languages that has the id. False: there is none."""
    gone = [
        template["id"]
        for template in templates_of(account)
        if template["name"] == name and template_id in ("", template["id"])
    ]
    before = list(account.own_settings.get(DELETED) or ())
    whatsapp.set_own_settings(session, account.id, {DELETED: [*before, *gone]})
    return bool(gone)

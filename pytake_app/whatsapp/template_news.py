"""What Meta's webhooks say of templates (fields `message_template_status_update`, `message_template_quality_update`,
`template_category_update`; Cloud API, Webhooks): for the pipeline, in its transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pytake_app.messaging.sql import Connection, dumps

JsonObject = dict[str, Any]

_UPDATE = """
UPDATE message_templates t SET status = COALESCE(n.status, t.status), reason = COALESCE(n.reason, t.reason),
       quality = COALESCE(n.quality, t.quality), category = COALESCE(n.category, t.category), updated_at = %(now)s
FROM json_to_recordset(%(news)s) AS n(account uuid, name text, language text, status text, reason text, quality text,
                                      category text)
     JOIN channel_accounts a ON a.id = n.account
WHERE t.organization_id = a.organization_id AND t.business_account_id = a.business_account_id
  AND t.name = n.name AND t.language = n.language
RETURNING 1
"""
_STATUS: Final = {"REINSTATED": "APPROVED", "PENDING_REVIEW": "PENDING"}
_INSERT = """
INSERT INTO message_templates (id, organization_id, business_account_id, external_id, name, language, category, status,
                               reason, quality, parameter_format, components, created_at, updated_at)
SELECT gen_random_uuid(), a.organization_id, a.business_account_id, '', n.name, n.language,
       COALESCE(n.category, 'MARKETING'), n.status, COALESCE(n.reason, ''), '', 'POSITIONAL', '[]', %(now)s, %(now)s
FROM json_to_recordset(%(news)s) AS n(account uuid, name text, language text, status text, reason text, category text)
     JOIN channel_accounts a ON a.id = n.account
WHERE n.status IS NOT NULL AND n.status <> 'DELETED' AND a.business_account_id <> ''
ON CONFLICT DO NOTHING
"""
# A flagged template can still be sent; Meta says later whether it is disabled.
_NO_STATUS: Final = frozenset({"FLAGGED", "IN_APPEAL"})


def take_news(connection: Connection, notices: Sequence[tuple[UUID, JsonObject]], now: datetime) -> None:
    """Apply notices, in order.

    Parameters:
        notices: (channel account, payload of a notice); those about other things are passed over.
    """
    for account_id, payload in notices:
        change = _change(str(payload.get("kind", "")), payload.get("details"))
        if change is not None:
            values = {"news": dumps([{"account": account_id, **change}]), "now": now}
            if connection.execute(_UPDATE, values).fetchone() is None:
                # Made at Meta since the last sync; its text comes with the next.
                connection.execute(_INSERT, values)


def _change(kind: str, details: object) -> dict[str, str | None] | None:
    if not isinstance(details, dict):
        return None
    name, language = _word(details, "message_template_name"), _word(details, "message_template_language")
    if not name or not language:
        return None
    change: dict[str, str | None] = {"name": name, "language": language}
    if kind == "message_template_status_update":
        event = (_word(details, "event") or "").upper()
        if not event:
            return None
        reason = _word(details, "reason")
        change["reason"] = event if event in _NO_STATUS else "" if reason in (None, "NONE") else reason
        if event not in _NO_STATUS:
            change["status"] = _STATUS.get(event, event)
        return change
    if kind == "message_template_quality_update" and (score := _word(details, "new_quality_score")):
        return {**change, "quality": score.upper()}
    if kind == "template_category_update" and (category := _word(details, "new_category")):
        return {**change, "category": category.upper()}
    return None


def _word(details: JsonObject, name: str) -> str | None:
    value = details.get(name)
    return value[:600] if isinstance(value, str) and value else None

"""Tables without an audit trigger, and why. Every other tenant table has one; a test compares with the database.

Hot tables (messages, queues of the pipeline, figures) never have one: an entry for each message would say nothing and
cost everything. What people do to conversations stands in their automation log.
"""

_PIPELINE = "written by the pipeline, message by message; the conversation's own log tells who did what"
_FIGURES = "figures, counted from other rows"
_PERSONAL = "one's own look at lists, drafts and notices"
_SIGN_IN = "sign-ins; what matters of them is recorded as events"
_DESIGN = "every step of editing; publications and versions are written down"

UNAUDITED: dict[str, str] = {
    "agent_status_changes": "is a log itself",
    "audit_log": "is the log",
    "auth_sessions": _SIGN_IN,
    "automation_log": "is a log itself",
    "consent_events": "is a log itself",
    "contact_erasures": "is a log itself",
    "contact_identities": _PIPELINE,
    "contacts": "written by the pipeline; what people do to them is recorded as events, without what stands in them",
    "conversation_mentions": _PERSONAL,
    "conversation_participants": _PERSONAL,
    "conversations": _PIPELINE,
    "email_confirmations": "links that were sent are recorded as events, what they changed stands with the user",
    "emitted_events": _PIPELINE,
    "flow_edits": _DESIGN,
    "flow_figures": _FIGURES,
    "flow_requests": _PIPELINE,
    "flow_schedules": "follows from the published version",
    "flow_sessions": _PIPELINE,
    "flow_views": _PERSONAL,
    "idempotency_keys": "answers given before",
    "inbound_events": f"{_PIPELINE}; what people have handled again is recorded as an event",
    "mail_outbox": "mails on their way; who asked for them is written down",
    "media_assets": "files of messages and of the library; taking one out of it is recorded as an event",
    "media_copies": "files' other names at the platform",
    "message_drafts": _PERSONAL,
    "message_search": _FIGURES,
    "messages": _PIPELINE,
    "notifications": _PERSONAL,
    "outbox": f"{_PIPELINE}; what people cancel, restore and retry is recorded as events",
    "password_resets": "links that were sent, and by whose wish, are recorded as events",
    "pending_statuses": _PIPELINE,
    "queue_hours": _FIGURES,
    "queue_items": "places of conversations; they keep who did what themselves",
    "raw_webhooks": _PIPELINE,
    "recovery_codes": _SIGN_IN,
    "refresh_tokens": _SIGN_IN,
    "sandbox_messages": _PIPELINE,
    "scheduled_messages": "messages; they keep their author",
    "session_records": _PIPELINE,
    "session_steps": _PIPELINE,
    "sign_in_challenges": "wrong codes are recorded as events",
    "timers": _PIPELINE,
    "totp_factors": "turning it on and off is recorded as an event",
    "usage_counts": _FIGURES,
    "usage_warnings": _FIGURES,
    "user_avatars": "the picture itself; that it changed stands with the user",
}

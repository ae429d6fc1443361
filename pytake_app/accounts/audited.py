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
    "contacts": "written by the pipeline; deletion, merging, export and erasure are recorded as events",
    "conversation_mentions": _PERSONAL,
    "conversation_participants": _PERSONAL,
    "conversations": _PIPELINE,
    "emitted_events": _PIPELINE,
    "flow_edits": _DESIGN,
    "flow_figures": _FIGURES,
    "flow_requests": _PIPELINE,
    "flow_schedules": "follows from the published version",
    "flow_sessions": _PIPELINE,
    "flow_views": _PERSONAL,
    "idempotency_keys": "answers given before",
    "inbound_events": _PIPELINE,
    "mail_outbox": "mails on their way; who asked for them is written down",
    "media_assets": "files of messages and of the library",
    "media_copies": "files' other names at the platform",
    "message_drafts": _PERSONAL,
    "message_search": _FIGURES,
    "messages": _PIPELINE,
    "notifications": _PERSONAL,
    "outbox": _PIPELINE,
    "password_resets": _SIGN_IN,
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
    "sign_in_challenges": _SIGN_IN,
    "timers": _PIPELINE,
    "totp_factors": "turning it on and off is recorded as an event",
    "usage_counts": _FIGURES,
    "usage_warnings": _FIGURES,
    "user_avatars": "the picture itself; that it changed stands with the user",
}

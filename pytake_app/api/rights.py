"""Which permission each route needs, in one table: the edge refuses by it, and tests read it.

Services ask again for themselves (the pages' handlers come another way), some more narrowly: a reply for everybody
needs `settings.manage` on the same route on which one's own needs `conversations.handle`. A route with several
permissions takes whoever has one of them.
"""

from __future__ import annotations

from pytake_app.core.errors import ForbiddenError
from pytake_app.core.tenancy import Permission, Principal

P = Permission
_HANDLE, _EDIT, _PUBLISH = (P.CONVERSATIONS_HANDLE,), (P.FLOWS_EDIT,), (P.FLOWS_PUBLISH,)
_TALK_OR_EDIT = (P.CONVERSATIONS_HANDLE, P.FLOWS_EDIT)
_CONTACTS, _SETTINGS, _USERS = (P.CONTACTS_EDIT,), (P.SETTINGS_MANAGE,), (P.USERS_MANAGE,)
_CONTACTS_OR_TALK = (P.CONTACTS_EDIT, P.CONVERSATIONS_HANDLE)
_QUEUES, _CHANNELS, _TEMPLATES = (P.QUEUES_MANAGE,), (P.CHANNELS_MANAGE,), (P.TEMPLATES_MANAGE,)
_PIPELINE, _FIGURES = (P.PIPELINE_MANAGE,), (P.ANALYTICS_READ,)

_TABLE: dict[tuple[Permission, ...], str] = {
    _USERS: """
        POST /users
        PATCH /users/{user_id}
        DELETE /users/{user_id}
        PUT /users/{user_id}/status
        POST /users/{user_id}/password-reset
        DELETE /users/{user_id}/second-factor
        DELETE /users/{user_id}/sessions
        GET /users/invitations
        POST /users/invitations
        POST /users/invitations/{invitation_id}/resend
        DELETE /users/invitations/{invitation_id}
        POST /departments
        PATCH /departments/{department_id}
        DELETE /departments/{department_id}
        PUT /departments/{department_id}/members
        PUT /roles/{role}
        DELETE /roles/{role}
    """,
    _SETTINGS: """
        PATCH /settings
        PATCH /organizations/{organization_id}
        PUT /organizations/{organization_id}/plan
        DELETE /organizations/{organization_id}
        POST /organizations/{organization_id}/restore
        POST /organizations/{organization_id}/administrators
        POST /organizations
        PATCH /plans/{plan_name}
        PATCH /privacy
        GET /privacy/preview
        DELETE /tags/{tag_id}
        POST /custom-fields
        PATCH /custom-fields/{field_id}
        DELETE /custom-fields/{field_id}
        POST /secrets
        DELETE /secrets/{name}
    """,
    _CONTACTS: """
        POST /contacts
        PATCH /contacts/{contact_id}
        POST /contacts/{contact_id}/opt-in
        POST /contacts/{contact_id}/opt-out
        POST /contacts/{contact_id}/block
        POST /contacts/{contact_id}/unblock
        POST /contacts/{contact_id}/merge
        POST /contacts/{contact_id}/tags/{tag}
        DELETE /contacts/{contact_id}/tags/{tag}
    """,
    (P.CONTACTS_DELETE,): """
        DELETE /contacts/{contact_id}
        POST /contacts/{contact_id}/erase
        DELETE /contacts/{contact_id}/personal-data
    """,
    _CONTACTS_OR_TALK: """
        POST /tags
        PATCH /tags/{tag_id}
    """,
    _HANDLE: """
        POST /canned-responses
        PATCH /canned-responses/{response_id}
        DELETE /canned-responses/{response_id}
        POST /canned-responses/{response_id}/used
        POST /conversations/bulk
        POST /conversations/{conversation_id}/uploads
        POST /conversations/{conversation_id}/messages
        POST /conversations/{conversation_id}/messages/{message_id}/retry
        PATCH /conversations/{conversation_id}/scheduled/{scheduled_id}
        DELETE /conversations/{conversation_id}/scheduled/{scheduled_id}
        POST /conversations/{conversation_id}/transfer
        POST /conversations/{conversation_id}/snooze
        POST /conversations/{conversation_id}/tags
        PATCH /conversations/{conversation_id}/unread
        PUT /conversations/{conversation_id}/draft
        POST /conversations/{conversation_id}/notes
        POST /conversations/{conversation_id}/take-over
        POST /conversations/{conversation_id}/give-back
        POST /conversations/{conversation_id}/assign
        PATCH /conversations/{conversation_id}/status
        PATCH /conversations/{conversation_id}/priority
        POST /flows/start
        POST /flows/process
        POST /flows/sessions/{session_id}/cancel
        POST /queues/{queue_id}/items
        POST /queues/{queue_id}/items/{queue_item_id}/accept
        POST /queues/{queue_id}/items/{queue_item_id}/decline
        POST /queues/{queue_id}/items/{queue_item_id}/complete
        POST /queues/{queue_id}/items/{queue_item_id}/abandon
        POST /queues/{queue_id}/items/{queue_item_id}/transfer
        POST /queues/{queue_id}/items/{queue_item_id}/priority
        POST /queues/{queue_id}/assign
        POST /queues/{queue_id}/next
        POST /agents/me/heartbeat
    """,
    (P.CONVERSATIONS_HANDLE, P.QUEUES_MANAGE): """
        PUT /agents/{agent_id}/status
        PUT /agents/{agent_id}/capacity
    """,
    (P.CONVERSATIONS_HANDLE, P.CAMPAIGNS_SEND): "POST /queue/send",
    _TALK_OR_EDIT: """
        GET /flows/{flow_id}/hooks
        POST /media
        POST /sandbox/{account_id}/messages
        POST /sandbox/{account_id}/reset
        POST /sandbox/{account_id}/media
        POST /webhook/simulate-interactive
    """,
    _EDIT: """
        DELETE /media/{media_id}
        POST /flow-folders
        PATCH /flow-folders/{folder_id}
        DELETE /flow-folders/{folder_id}
        POST /flow-archive
        POST /flows
        POST /flows/import
        POST /flows/from-template
        PATCH /flows/{flow_id}
        DELETE /flows/{flow_id}
        POST /flows/{flow_id}/archive
        POST /flows/{flow_id}/unarchive
        POST /flows/{flow_id}/restore
        POST /flows/{flow_id}/duplicate
        PUT /flows/{flow_id}/draft
        POST /flows/{flow_id}/operations
        POST /flows/{flow_id}/undo
        POST /flows/{flow_id}/redo
        POST /flows/{flow_id}/nodes
        PATCH /flows/{flow_id}/nodes/{node_id}
        DELETE /flows/{flow_id}/nodes/{node_id}
        POST /flows/{flow_id}/references
        POST /flows/{flow_id}/test/call
        POST /flows/{flow_id}/test-cases
        PATCH /flows/{flow_id}/test-cases/{case_id}
        DELETE /flows/{flow_id}/test-cases/{case_id}
        POST /flows/{flow_id}/check/mend
        POST /flows/{flow_id}/translations/import
        POST /flows/{flow_id}/try-request
    """,
    (P.FLOWS_EDIT, P.FLOWS_PUBLISH): "POST /flows/bulk",
    _PUBLISH: """
        POST /flows/{flow_id}/publications
        DELETE /flows/{flow_id}/publications/{publication_id}
        POST /flows/{flow_id}/publish
        POST /flows/{flow_id}/rollback
        POST /flows/{flow_id}/activate
        POST /flows/{flow_id}/deactivate
    """,
    _PIPELINE: """
        POST /queue/message/{item_id}/cancel
        POST /queue/message/{item_id}/retry
        POST /queue/retry
        POST /queue/cancel
        POST /queue/restore
        POST /queue/inbound/retry
    """,
    _QUEUES: """
        POST /queues
        PUT /queues/{queue_id}
        DELETE /queues/{queue_id}
        POST /business-hours
        PATCH /business-hours/{calendar_id}
        DELETE /business-hours/{calendar_id}
        PUT /agents/{agent_id}/queues
    """,
    _CHANNELS: """
        POST /whatsapp/numbers
        PATCH /whatsapp/numbers/{account_id}
        DELETE /whatsapp/numbers/{account_id}
        POST /whatsapp/numbers/{account_id}/test
        POST /channel-accounts
        PATCH /channel-accounts/{account_id}
        DELETE /channel-accounts/{account_id}
        POST /channel-accounts/{account_id}/test
    """,
    _TEMPLATES: """
        POST /whatsapp/templates
        POST /whatsapp/templates/sync
        DELETE /whatsapp/templates/{template_id}
    """,
    (P.API_KEYS_MANAGE,): """
        GET /api-keys
        POST /api-keys
        PATCH /api-keys/{key_id}
        DELETE /api-keys/{key_id}
    """,
    (P.AUDIT_READ,): """
        GET /audit-log
        GET /audit-log/words
        GET /privacy/erasures
    """,
    (P.DATA_EXPORT,): """
        GET /audit-log/export
        GET /contacts/{contact_id}/export
    """,
    _FIGURES: """
        GET /queues/{queue_id}/history
        GET /queues/{queue_id}/metrics
        GET /flows/{flow_id}/stats
    """,
}
BASE = "/api/v1"


def _rows() -> dict[tuple[str, str], tuple[Permission, ...]]:
    rows: dict[tuple[str, str], tuple[Permission, ...]] = {}
    for permissions, listed in _TABLE.items():
        for line in listed.split("\n"):
            if line.strip():
                method, path = line.split()
                rows[method, BASE + path] = permissions
    return rows


NEEDS = _rows()
"""(method, path as FastAPI has it) → any one of these permissions."""

WITHOUT = frozenset(
    (method, BASE + path)
    for method, path in (
        ("POST", "/auth/logout"),
        ("POST", "/auth/logout-everywhere"),
        ("PATCH", "/auth/me"),
        ("PUT", "/auth/me/avatar"),
        ("PATCH", "/auth/security"),
        ("POST", "/auth/password/change"),
        ("POST", "/auth/email/change"),
        ("POST", "/auth/email/send-again"),
        ("POST", "/auth/totp/setup"),
        ("POST", "/auth/totp/confirm"),
        ("POST", "/auth/totp/disable"),
        ("POST", "/auth/totp/recovery-codes"),
        ("DELETE", "/auth/sessions/{sign_in_id}"),
        ("POST", "/auth/sessions/revoke-others"),
        ("DELETE", "/auth/me/avatar"),
        ("PATCH", "/conversations/{conversation_id}/read"),  # leaves the unread count to those who work
        ("PUT", "/conversations/{conversation_id}/presence"),  # looks, and is seen to
        ("POST", "/inbox-views"),  # one's own; shared ones need settings.manage
        ("PATCH", "/inbox-views/{inbox_view_id}"),
        ("DELETE", "/inbox-views/{inbox_view_id}"),
        ("POST", "/flow-views"),
        ("DELETE", "/flow-views/{view_id}"),
        ("PATCH", "/notifications/{notification_id}/read"),
        ("POST", "/notifications/read-all"),
        ("POST", "/sandbox/{account_id}/read"),
        # Computations that keep nothing.
        ("POST", "/flows/{flow_id}/verify"),
        ("POST", "/flows/{flow_id}/cost"),
        ("POST", "/flows/{flow_id}/test"),
        ("POST", "/flows/{flow_id}/test-cases/run"),
        ("POST", "/flows/{flow_id}/check/path"),
        ("POST", "/flows/{flow_id}/replay"),
        ("POST", "/flows/sessions/{session_id}/replay"),
        ("POST", "/flows/{flow_id}/leave"),
        ("POST", "/flow-tools/classify"),
        ("POST", "/flow-tools/schedule"),
        ("POST", "/flow-tools/expression"),
    )
)
"""Writes that need no permission: one's own things, and computations. Every other one is in `NEEDS`."""

PERSONAL = tuple(BASE + part for part in ("/auth/", "/api-keys", "/roles", "/notifications", "/agents/me"))
"""Addresses that belong to people: closed to API keys, whatever their scopes."""
_KEYS_MAY = frozenset({("GET", BASE + "/auth/me")})


def check(principal: Principal, method: str, path: str) -> None:
    """Refuse a request that its caller may not make.

    Parameters:
        path: of the route, e.g. `/api/v1/flows/{flow_id}`; as a router has it, the base may be missing.

    Raises:
        ForbiddenError: `permission_missing`; `person_only`: an API key where only people may be.
    """
    if not path.startswith(BASE):
        path = BASE + path  # FastAPI's route knows nothing of the prefix that its router was included with
    if principal.api_key_id is not None and path.startswith(PERSONAL) and (method, path) not in _KEYS_MAY:
        raise ForbiddenError("API keys can't be used here; sign in as a person.", code="person_only")
    needed = NEEDS.get((method, path))
    if needed is not None:
        principal.needs(*needed)

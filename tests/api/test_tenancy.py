"""Nobody reaches another tenant's rows: by a list, by a forgotten WHERE, or by writing.

What every route answers to whom is `tests/security/isolation`; it uses what is made here.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlmodel import SQLModel, select

from pytake_app.accounts.key_models import ApiKey
from pytake_app.accounts.models import AuthSession, Department, DepartmentMember, IdempotencyKey, User
from pytake_app.accounts.security_models import (
    EmailConfirmation,
    Invitation,
    PasswordReset,
    RecoveryCode,
    SignInChallenge,
    TotpFactor,
    UserAvatar,
)
from pytake_app.api.services import Services
from pytake_app.contacts.models import Contact, ContactIdentity, CustomField, Tag
from pytake_app.conversations.desk_models import CannedResponse, InboxView, MessageDraft, ScheduledMessage
from pytake_app.conversations.models import AutomationLog, Conversation, Message
from pytake_app.core.clock import SystemClock
from pytake_app.core.db import Database
from pytake_app.flows.models import (
    Flow,
    FlowFigure,
    FlowFolder,
    FlowListView,
    FlowPublication,
    FlowSession,
    FlowTestCase,
    SessionRecord,
    SessionStep,
    Timer,
)
from pytake_app.messaging.models import InboundEvent, MediaAsset, OutboxItem, PendingStatus, RawWebhook
from pytake_app.notifications.models import Notification
from pytake_app.outgoing.mail_models import OutgoingMail
from pytake_app.outgoing.models import OrganizationSecret
from pytake_app.queues.models import (
    Agent,
    AgentQueue,
    AgentStatusChange,
    BusinessCalendar,
    QueueHour,
    QueueItem,
    ServiceQueue,
)
from pytake_app.sandbox.models import SandboxMessage
from pytake_app.whatsapp.models import ChannelAccount, MessageTemplate
from tests.api.fixtures import Caller, NewCaller
from tests.security.isolation.references import filled

NOW = SystemClock().now


def populate(services: Services, caller: Caller) -> dict[str, Any]:
    """At least one row of everything an organization can have; ids by the name of the path parameter."""
    organization_id = caller.organization_id
    with services.database.tenant(organization_id) as session:
        account = session.exec(select(ChannelAccount)).one()
        flow = session.exec(select(Flow)).first()
        assert flow is not None
        owned: dict[str, Any] = {"organization_id": organization_id}
        contact = Contact(**owned, name="Maria", phone="5511987654321")
        session.add(contact)
        session.flush()
        ids: dict[str, Any] = {**owned, "contact_id": contact.id, "channel_account_id": account.id}
        conversation = Conversation(**ids)
        case = FlowTestCase(organization_id=caller.organization_id, flow_id=flow.id, name="t")
        at = {"root_flow_id": str(flow.id), "root_version": 1, "flow_id": str(flow.id), "flow_version": 1}
        state = {"id": str(uuid4()), **at, "started_at": services.clock.now().isoformat()}
        run = FlowSession(**ids, flow_id=flow.id, version=1, conversation_id=uuid4(), status="waiting", state=state)
        session.add_all([conversation, run])
        session.flush()
        tag, field = Tag(**owned, name="VIP"), CustomField(**owned, key="city", label="City")
        department = Department(**owned, name="Sales")
        calendar, queue = BusinessCalendar(**owned, name="Night"), ServiceQueue(**owned, name="Sales")
        session.add_all([tag, field, department, calendar, queue])
        session.flush()
        person = {**owned, "user_id": caller.user_id}
        soon, own = services.clock.now() + timedelta(hours=1), uuid4().hex
        invitation = Invitation(**owned, email=f"{own}@example.com", role="agent", token_hash=own, expires_at=soon)
        sign_in = AuthSession(**person, expires_at=soon)
        session.add_all(
            [
                UserAvatar(**person, image=b"x"),
                invitation,
                sign_in,
                PasswordReset(**person, token_hash=own, expires_at=soon),
                EmailConfirmation(**person, email=f"{own}@example.com", token_hash=own, expires_at=soon),
                TotpFactor(**person, secret_cipher="x"),
                RecoveryCode(**person, code_hash=own),
                SignInChallenge(**person, purpose="verify", token_hash=own, expires_at=soon),
                OutgoingMail(**owned, recipient="a@example.com", template="invitation", next_try_at=soon),
            ]
        )
        session.add(DepartmentMember(**owned, department_id=department.id, user_id=caller.user_id))
        session.add(Agent(**owned, user_id=caller.user_id))
        session.flush()
        session.add(AgentQueue(**owned, user_id=caller.user_id, queue_id=queue.id))
        session.add(AgentStatusChange(**owned, user_id=caller.user_id, status="online"))
        session.add(QueueHour(**owned, queue_id=queue.id))
        waiting = QueueItem(**owned, queue_id=queue.id, conversation_id=conversation.id, contact_id=contact.id)
        session.add(waiting)
        media = MediaAsset(**owned, sha256="0" * 64, mime_type="image/jpeg")
        outgoing = uuid4()
        later = ScheduledMessage(
            **owned, conversation_id=conversation.id, author_id=caller.user_id, send_at=NOW() + timedelta(days=1),
            request={"message": {"type": "text", "text": "x"}},
        )  # fmt: skip
        inbox_view = InboxView(**owned, owner_id=caller.user_id, name="VIP")
        reply = CannedResponse(**owned, shortcut="oi", text="Oi!")
        desk = {**owned, "conversation_id": conversation.id, "user_id": caller.user_id}
        notification = Notification(**owned, user_id=caller.user_id, title="Hello", created_at=services.clock.now())
        folder = FlowFolder(**owned, name="Loja")
        saved_view = FlowListView(**owned, user_id=caller.user_id, name="Minhas")
        publication = FlowPublication(**owned, flow_id=flow.id, checksum="c", document=flow.draft_document)
        message = Message(
            **ids, conversation_id=conversation.id, direction="in", type="text", external_id="wamid.1",
            content={"raw": {"type": "unsupported"}},
        )  # fmt: skip
        key: dict[str, Any] = {"channel_account_id": account.id, "lane": 1, "contact_key": "k"}
        session.add_all(
            [
                media,
                SessionRecord(**owned, session_id=run.id, number=1, record={}),
                message,
                later,
                inbox_view,
                reply,
                MessageDraft(**desk, text="x"),
                folder,
                saved_view,
                publication,
                notification,
                FlowFigure(
                    **owned, flow_id=flow.id, measure="session", version=1, channel_account_id=account.id, value=1
                ),
                ContactIdentity(**ids, key="5511987654321"),
                AutomationLog(**owned, conversation_id=conversation.id, kind="started"),
                SessionStep(**owned, session_id=run.id, flow_id=flow.id, sequence=1, node_id="a", node_type="end"),
                Timer(**owned, **key, session_id=run.id, kind="delay", wait_id="w"),
                InboundEvent(**owned, **key, kind="message", external_id="e"),
                RawWebhook(**owned, reason="r", body=b"{}"),
                OutboxItem(id=outgoing, **ids, conversation_id=conversation.id, message_id=message.id, recipient="1"),
                PendingStatus(**owned, channel_account_id=account.id, external_id="e"),
                SandboxMessage(
                    **owned, channel_account_id=account.id, phone="1", direction="to_phone", external_id="w"
                ),
                IdempotencyKey(**owned, key="k", request_hash="h"),
                case,
                OrganizationSecret(**owned, name=f"secret_{caller.user_id.hex[-8:]}", cipher="c"),
            ]
        )
        key = ApiKey(**owned, created_by=caller.user_id, name="ERP", hint="abcd", token_hash="h")
        session.add(key)
        session.flush()
        return {
            "key_id": key.id,
            "account_id": account.id,
            "calendar_id": calendar.id,
            "case_id": case.id,
            "contact_id": contact.id,
            "conversation_id": conversation.id,
            "department_id": department.id,
            "scheduled_id": later.id,
            "inbox_view_id": inbox_view.id,
            "response_id": reply.id,
            "field_id": field.id,
            "invitation_id": invitation.id,
            "sign_in_id": sign_in.id,
            "flow_id": flow.id,
            "folder_id": folder.id,
            "notification_id": notification.id,
            "view_id": saved_view.id,
            "item_id": outgoing,
            "media_id": media.id,
            "name": f"secret_{caller.user_id.hex[-8:]}",
            "message_id": message.id,
            "node_id": flow.draft_document["nodes"][0]["id"],
            "publication_id": publication.id,
            "queue_id": queue.id,
            "queue_item_id": waiting.id,
            "agent_id": caller.user_id,
            "session_id": run.id,
            "tag_id": tag.id,
            "template_id": session.exec(select(MessageTemplate.id)).first(),
            "user_id": caller.user_id,
            "organization_id": organization_id,
        }


# Parameters that are no ids; anything else must be in what `populate` made.
PLAIN = {"plan_name": "free", "role": "agent", "version": "1", "tag": "vip", "token": "no-such-address"}
FOR_SUPER_ADMINS = {"/api/v1/organizations"}
"""Lists of the whole installation: refused to anybody else."""

# Bodies that pass validation, where an empty one would not, so that the answer is about the id.
BODIES: dict[tuple[str, str], Any] = {
    ("put", "/api/v1/organizations/{organization_id}/plan"): {"plan": "enterprise"},
    ("post", "/api/v1/organizations/{organization_id}/administrators"): {"email": "asked@example.com"},
    ("post", "/api/v1/organizations"): {
        "name": "x",
        "admin_email": "x@example.com",
        "admin_name": "x",
        "admin_password": "correct horse battery staple",
    },
    ("post", "/api/v1/conversations/{conversation_id}/messages"): {"text": "x"},
    ("post", "/api/v1/conversations/{conversation_id}/notes"): {"text": "x"},
    ("post", "/api/v1/conversations/{conversation_id}/assign"): {"user_id": None},
    ("post", "/api/v1/conversations/{conversation_id}/transfer"): {"flow_id": "main_menu"},
    ("post", "/api/v1/conversations/{conversation_id}/snooze"): {"until": "2030-12-24T12:00:00Z"},
    ("put", "/api/v1/conversations/{conversation_id}/presence"): {"tab": "x"},
    ("patch", "/api/v1/canned-responses/{response_id}"): {"shortcut": "x", "text": "x"},
    ("post", "/api/v1/canned-responses"): {"shortcut": "x", "text": "x"},
    ("post", "/api/v1/queues/{queue_id}/items/{queue_item_id}/transfer"): {"flow_id": "main_menu"},
    ("post", "/api/v1/conversations/bulk"): {"ids": [str(uuid4())], "action": "read"},
    ("patch", "/api/v1/conversations/{conversation_id}/status"): {"status": "closed"},
    ("patch", "/api/v1/conversations/{conversation_id}/priority"): {"priority": "high"},
    ("post", "/api/v1/contacts/{contact_id}/merge"): {"contact_id": str(uuid4()), "confirm": True},
    ("patch", "/api/v1/tags/{tag_id}"): {"color": "#aabbcc"},
    ("put", "/api/v1/users/{user_id}/status"): {"is_active": True},
    ("post", "/api/v1/users"): {
        "email": "new@example.com",
        "full_name": "x",
        "password": "a sentence nobody guesses",
    },
    ("post", "/api/v1/users/invitations"): {"email": "asked@example.com"},
    ("post", "/api/v1/custom-fields"): {"key": "city_2", "label": "City"},
    ("post", "/api/v1/whatsapp/templates"): {
        "name": "x",
        "language": "pt_BR",
        "category": "UTILITY",
        "components": [{"type": "BODY", "text": "x"}],
    },
    ("post", "/api/v1/whatsapp/numbers"): {"name": "x", "phone_number_id": "1098765432101"},
    ("post", "/api/v1/channel-accounts"): {"name": "x", "phone_number_id": "1098765432101"},
    ("patch", "/api/v1/flows/{flow_id}"): {"name": "x"},
    ("post", "/api/v1/flows/{flow_id}/publications"): {"publish_at": "2030-12-24T12:00:00Z"},
    ("patch", "/api/v1/flows/{flow_id}/nodes/{node_id}"): {"title": "x"},
    ("patch", "/api/v1/flows/{flow_id}/test-cases/{case_id}"): {"name": "x"},
    ("post", "/api/v1/queue/send"): {"to": "5511987654321", "message_type": "text", "content": {"body": "x"}},
    ("post", "/api/v1/sandbox/{account_id}/messages"): {"type": "text", "text": "x"},
}


def sample(schema: Any, document: dict[str, Any], depth: int = 0) -> Any:
    """Some value that fits a JSON schema."""
    if "$ref" in schema:
        return sample(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document, depth)
    for name in ("const", "default"):
        if name in schema:
            return schema[name]
    for name in ("anyOf", "oneOf", "allOf"):
        if name in schema:
            return sample(schema[name][0], document, depth)
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            wanted = schema.get("required", ())
            return {
                key: sample(value, document, depth + 1)
                for key, value in schema.get("properties", {}).items()
                if key in wanted
            }
        case "array":
            return [sample(schema["items"], document, depth + 1)] * schema.get("minItems", 0) if depth < 5 else []
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return str(uuid4()) if schema.get("format") == "uuid" else "x" * max(1, schema.get("minLength", 1))


def call(caller: Caller, method: str, path: str, operation: Any, document: dict[str, Any], ids: dict[str, Any]) -> Any:
    address = path
    for name in re.findall(r"{(\w+)}", path):
        assert name in ids or name in PLAIN, f"say in `populate` what {{{name}}} of {path} is"
        address = address.replace(f"{{{name}}}", str(ids.get(name) or PLAIN[name]))
    needed = [item for item in operation.get("parameters", ()) if item["in"] == "query" and item.get("required")]
    params = {item["name"]: sample(item["schema"], document) for item in needed}
    kwargs: dict[str, Any] = {"params": filled(params, path, ids)}
    content = operation.get("requestBody", {}).get("content", {})
    if "multipart/form-data" in content:
        kwargs["files"] = {"file": ("x.jpg", b"x", "image/jpeg")}
    elif "application/json" in content:
        body = BODIES.get((method, path))
        body = body if body is not None else sample(content["application/json"]["schema"], document)
        kwargs["json"] = filled(body, path, ids)
    return caller.request(method.upper(), address, **kwargs)


def test_no_list_shows_anothers_rows(live_client: TestClient, register: NewCaller, services: Services) -> None:
    one, two = register(), register()
    theirs = populate(services, two)
    document = live_client.get("/openapi.json").json()
    lists = [path for path, operations in document["paths"].items() if "{" not in path and "get" in operations]
    seen = 0
    for path in lists:
        response = one.get(path, params={"external_id": "wamid.1", "q": "Maria"})
        assert response.status_code in (200, 422) or path in FOR_SUPER_ADMINS, (path, response.text)
        seen += response.status_code == 200
        for value in (*theirs.values(), two.organization_id):
            if not isinstance(value, UUID):
                continue
            assert str(value) not in response.text, path
    assert seen >= 10


# -- row-level security, without any help from the code ---------------------------------------------------------------


def tenant_tables() -> list[Any]:
    mappers = SQLModel._sa_registry.mappers  # type: ignore[attr-defined]
    return sorted(
        (mapper.class_ for mapper in mappers if "organization_id" in mapper.columns),
        key=lambda model: model.__tablename__,
    )


def test_no_role_of_ours_bypasses_row_level_security(db: Database) -> None:
    with db.system_connection() as connection:
        rows = connection.execute(
            text("SELECT rolname, rolbypassrls, rolsuper, rolcanlogin FROM pg_roles WHERE rolname LIKE 'pytake\\_%'")
        ).all()
    assert {row[0] for row in rows} >= {"pytake_app", "pytake_system", "pytake_auth"}
    assert [row for row in rows if row[0] in ("pytake_app", "pytake_system", "pytake_auth") and any(row[1:])] == []


def test_sign_in_looks_at_accounts_only(register: NewCaller, services: Services) -> None:
    populate(services, register())
    with services.database.auth() as session:
        assert session.exec(select(User)).first() is not None
        assert session.exec(select(AuthSession)).first() is not None
    for model in (Contact, Flow, Message, ChannelAccount):
        with pytest.raises(ProgrammingError, match="permission denied"), services.database.auth() as session:
            session.exec(select(model)).first()  # type: ignore[call-overload]


def test_the_pipeline_reads_no_accounts(register: NewCaller, services: Services) -> None:
    register()
    with pytest.raises(ProgrammingError, match="permission denied"), services.database.system() as session:
        session.exec(select(User)).first()


def test_what_the_pipeline_may_read_of_people_is_named_column_by_column(db: Database) -> None:
    """Names and addresses to tell somebody; never a password's hash, a session, a secret."""
    with db.system_connection() as connection:
        columns = connection.execute(
            text(
                """
                SELECT a.attname FROM pg_attribute a WHERE a.attrelid = 'users'::regclass AND a.attnum > 0
                  AND NOT a.attisdropped AND has_column_privilege('pytake_system', 'users', a.attnum, 'SELECT')
                """
            )
        ).scalars()
        assert set(columns) == {"id", "organization_id", "email", "full_name", "role", "is_active"}
        for table in ("auth_sessions", "refresh_tokens", "organization_secrets"):
            asked = text("SELECT has_any_column_privilege('pytake_system', :name, 'SELECT')")
            assert connection.execute(asked, {"name": table}).scalar() is False, table
        for verb in ("INSERT", "UPDATE", "DELETE"):
            asked = text("SELECT has_table_privilege('pytake_system', 'users', :verb)")
            assert connection.execute(asked, {"verb": verb}).scalar() is False, verb

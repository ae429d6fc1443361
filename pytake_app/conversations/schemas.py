"""What the API and the pages say and hear about conversations and messages."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from pytake_app.contacts.schemas import ContactBrief
from pytake_app.conversations.message_schemas import Request, SendMessage
from pytake_app.core.pagination import Page
from pytake_app.queues.item_schemas import QueuePlace

__all__ = ["Request", "SendMessage"]

ConversationStatus = Literal["open", "pending", "closed", "archived"]
Priority = Literal["low", "medium", "high", "urgent"]
Handling = Literal["bot", "waiting", "person"]
Period = Literal["today", "7d", "30d"]
SortOrder = Literal["newest", "oldest", "waiting", "priority", "unread"]
AssigneeFilter = Literal["mine", "unassigned", "all"]
JsonObject = dict[str, Any]


class UserBrief(BaseModel):
    """A user as others see them."""

    id: UUID
    name: str


class LastMessage(BaseModel):
    """The end of a thread, for the list. `status`: how far what was sent has come; null for what came in, and notes."""

    id: UUID | None
    preview: str
    direction: str
    at: datetime | None
    status: str | None = None


class ConversationView(BaseModel):
    """A conversation. `handling` says who answers: bot, waiting (for a person), person.

    `window_expires_at`: until then free-form messages may be sent; null when the contact never wrote.
    """

    id: UUID
    contact: ContactBrief
    channel: str
    channel_account_id: UUID
    status: ConversationStatus
    priority: Priority
    handling: Handling
    assignee: UserBrief | None
    queue: str | None
    queue_id: UUID | None = None
    queue_color: str | None = None
    queue_item: QueuePlace | None = Field(default=None, description="its live place; `position` only in the detail")
    tags: list[str]
    unread_count: int
    last_message: LastMessage
    last_inbound_at: datetime | None
    window_expires_at: datetime | None
    waiting_since: datetime | None
    closed_at: datetime | None
    outcome: str = ""
    snoozed_until: datetime | None = None
    created_at: datetime
    updated_at: datetime


class ConversationDetail(ConversationView):
    """A conversation with what the thread's header needs."""

    handoff: JsonObject
    window_open: bool
    can_send: bool
    cannot_send_reason: str | None = Field(
        description="window_closed (a template may be sent), conversation_closed, contact_blocked, contact_opted_out"
    )
    flow_session_id: UUID | None = Field(description="the running session, if automation is talking")
    flow_name: str | None
    account_name: str
    sandbox: bool


class MediaView(BaseModel):
    """A message's file; `url` is ours and needs the caller's sign-in."""

    id: str | None = None
    mime_type: str | None = None
    filename: str | None = None
    sha256: str | None = None
    url: str | None = None
    voice: bool = False


class MessageView(BaseModel):
    """A message. `author` is `contact`, `bot`, `system`, `api` or an agent's id. `direction` is in, out or note."""

    id: UUID
    conversation_id: UUID
    contact_id: UUID
    channel: str
    direction: Literal["in", "out", "note"]
    type: str
    text: str
    selection_id: str | None
    content: JsonObject
    media: MediaView | None
    location: JsonObject | None
    context_external_id: str | None
    external_id: str | None
    client_id: str | None
    status: str
    errors: list[JsonObject]
    author: str
    author_kind: str
    author_name: str | None
    flow_session_id: UUID | None
    node_id: str | None
    sent_at: datetime | None
    delivered_at: datetime | None
    read_at: datetime | None
    created_at: datetime


class RawMessage(BaseModel):
    """A message as the platform sent it, without who sent it."""

    message_id: UUID
    type: str
    raw: JsonObject


class ConversationFilter(BaseModel):
    """Which conversations a list shows, and in what order. `q` looks in name, phone and what was said, accents aside.

    `assignee`: mine, unassigned, all, or a user's id.
    """

    status: list[ConversationStatus] = Field(default_factory=list)
    assignee: AssigneeFilter | UUID = "all"
    handling: list[Handling] = Field(default_factory=list)
    channel: str | None = None
    queue: str | None = None
    queue_id: UUID | None = None
    channel_account_id: UUID | None = None
    tags: list[str] = Field(default_factory=list)
    priority: list[Priority] = Field(default_factory=list)
    unread: bool | None = None
    snoozed: bool | None = None
    mentions_me: bool = False
    sort: SortOrder = "newest"
    since: datetime | None = None
    until: datetime | None = None
    contact_id: UUID | None = None
    ids: list[UUID] = Field(default_factory=list, max_length=100)
    q: str = Field(default="", max_length=200)


class NoteCreate(Request):
    """A note for colleagues; never sent."""

    text: str = Field(min_length=1, max_length=10_000)
    client_id: str | None = Field(default=None, min_length=1, max_length=100)
    mentions: list[UUID] = Field(default_factory=list, max_length=50, description="users who are told of the note")


class AssignRequest(Request):
    """Give the conversation to a user, or with null to nobody."""

    user_id: UUID | None


class GiveBack(Request):
    """Let automation answer again; with `flow_id` (id or slug) that flow starts at once."""

    flow_id: str | None = None


class StatusUpdate(Request):
    """Another status. `outcome`: how it ended. `expected`: 409 `changed_meanwhile` if it isn't that."""

    status: ConversationStatus
    outcome: str = Field(default="", max_length=120)
    expected: ConversationStatus | None = None


class PriorityUpdate(Request):
    priority: Priority


class MessagePage(Page[MessageView]):
    """A page of a thread, newest first. `newer_cursor` leads back up, where a page doesn't end at the newest."""

    newer_cursor: str | None = None


class ConversationStats(BaseModel):
    """Counts for the inbox's tabs, over open and pending conversations; `snoozed` ones count in `open` too."""

    open: int
    mine: int
    unassigned: int
    waiting: int
    bot: int
    unread: int
    closed_today: int
    snoozed: int
    mentions: int


class AutomationLogView(BaseModel):
    """One decision of automation about a conversation: `kind` says what, `detail` why."""

    id: UUID
    at: datetime
    kind: str
    flow_id: UUID | None
    flow_name: str | None
    flow_session_id: UUID | None
    actor_id: UUID | None
    actor_name: str | None
    detail: JsonObject

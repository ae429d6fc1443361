"""Shapes of the inbox as a desk: transfer, snooze, bulk, drafts, views, canned replies, presence, search."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, model_validator

from pytake_app.conversations.message_schemas import Request
from pytake_app.conversations.schemas import ConversationStatus, ConversationView, Handling, Priority, SortOrder

BULK_LIMIT = 200


class TransferRequest(Request):
    """Give the conversation on, to exactly one of these. `note` is left in the thread for whoever takes it."""

    agent_id: UUID | None = None
    queue_id: UUID | None = None
    department_id: UUID | None = None
    flow_id: str | None = Field(default=None, min_length=1, max_length=200, description="id or slug")
    note: str = Field(default="", max_length=10_000)

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if sum(target is not None for target in (self.agent_id, self.queue_id, self.department_id, self.flow_id)) != 1:
            raise ValueError("name exactly one of agent_id, queue_id, department_id, flow_id")
        return self


class SnoozeRequest(Request):
    """Put the conversation off until then; null wakes it. It also wakes when the contact writes."""

    until: AwareDatetime | None


class TagsRequest(Request):
    """Tags of the conversation to add and to take off."""

    add: list[Annotated[str, Field(min_length=1, max_length=60)]] = Field(default_factory=list, max_length=50)
    remove: list[Annotated[str, Field(min_length=1, max_length=60)]] = Field(default_factory=list, max_length=50)


class UnreadRequest(Request):
    """Mark as unread again."""


class DraftUpdate(Request):
    text: str = Field(max_length=10_000)


class DraftView(BaseModel):
    """What the caller has begun to write here; an empty text for nothing."""

    text: str
    updated_at: datetime | None


BulkAction = Literal[
    "assign",
    "transfer",
    "close",
    "reopen",
    "archive",
    "snooze",
    "priority",
    "tag",
    "untag",
    "read",
    "unread",
    "give_back",
]


class BulkRequest(Request):
    """One action on up to 200 conversations; each succeeds or fails by itself.

    `user_id` for assign (null: nobody), `transfer` for transfer, `until` for snooze, `priority`, `tags` for tag and
    untag, `outcome` for close.
    """

    ids: list[UUID] = Field(min_length=1, max_length=BULK_LIMIT)
    action: BulkAction
    user_id: UUID | None = None
    transfer: TransferRequest | None = None
    until: AwareDatetime | None = None
    priority: Priority | None = None
    tags: list[Annotated[str, Field(min_length=1, max_length=60)]] = Field(default_factory=list, max_length=50)
    outcome: str = Field(default="", max_length=120)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed = {"transfer": self.transfer, "snooze": self.until, "priority": self.priority,
                  "tag": self.tags or None, "untag": self.tags or None}  # fmt: skip
        if self.action in needed and needed[self.action] is None:
            raise ValueError(f"{self.action} needs its own member")
        return self


class BulkItem(BaseModel):
    """What became of one. `code` and `detail` say why it was refused."""

    id: UUID
    ok: bool
    code: str | None = None
    detail: str | None = None


class BulkResult(BaseModel):
    """In the order of the request."""

    done: int
    failed: int
    items: list[BulkItem]


class ViewWhere(Request):
    """The filters of the list that a view keeps; as the query parameters of `GET /conversations`."""

    status: list[ConversationStatus] = Field(default_factory=list)
    agent: str | None = Field(default=None, pattern=r"^(me|none|[0-9a-fA-F-]{36})$")
    handling: list[Handling] = Field(default_factory=list)
    channel: str | None = Field(default=None, max_length=30)
    channel_account_id: UUID | None = None
    queue_id: UUID | None = None
    tag: list[Annotated[str, Field(max_length=60)]] = Field(default_factory=list, max_length=20)
    priority: list[Priority] = Field(default_factory=list)
    unread: bool | None = None
    snoozed: bool | None = None
    mentions_me: bool = False
    period: Literal["today", "7d", "30d"] | None = None
    q: str = Field(default="", max_length=200)
    sort: SortOrder = "newest"


class InboxViewCreate(Request):
    """A saved view. Sharing one with everybody needs `org_admin`."""

    name: str = Field(min_length=1, max_length=80)
    shared: bool = False
    where: ViewWhere
    position: int = Field(default=0, ge=0, le=1000)


class InboxViewUpdate(Request):
    name: str | None = Field(default=None, min_length=1, max_length=80)
    shared: bool | None = None
    where: ViewWhere | None = None
    position: int | None = Field(default=None, ge=0, le=1000)


class InboxViewView(BaseModel):
    """A saved view; `mine`: the caller may change it."""

    id: UUID
    name: str
    shared: bool
    mine: bool
    owner_id: UUID
    where: ViewWhere
    position: int
    updated_at: datetime


class SearchHit(BaseModel):
    """A conversation found. By what was said: `message_id` and `snippet`, the words found between [[ and ]]; by the
    contact: `message_id` is null and the snippet shows the name or phone."""

    conversation: ConversationView
    message_id: UUID | None
    at: datetime | None
    found_in: Literal["name", "phone", "email", "message"]
    snippet: str


class PresentPerson(BaseModel):
    """Somebody at a conversation now."""

    user_id: UUID
    name: str
    writing: bool


class PresenceView(BaseModel):
    """Who looks at a conversation and who writes. `lock`: who is writing an answer; others are warned, and their
    sending is refused (`someone_writing`) unless they send `anyway`."""

    people: list[PresentPerson]
    lock: PresentPerson | None
    lock_seconds: int


class PresenceUpdate(Request):
    """The caller's tab is at the conversation (tell every 20 seconds), writing or not; `left`: no longer."""

    tab: str = Field(min_length=1, max_length=64)
    writing: bool = False
    left: bool = False


class EventView(BaseModel):
    """An event as the WebSocket sends it: `type`, `event_id`, and what it is about."""

    model_config = {"extra": "allow"}

    type: str
    event_id: str | None = None


class EventsPage(BaseModel):
    """What happened since. `reset`: it can't be told without a gap: load again, and go on from `last_event_id`."""

    items: list[EventView]
    last_event_id: str
    reset: bool
    more: bool = False


JsonObject = dict[str, Any]

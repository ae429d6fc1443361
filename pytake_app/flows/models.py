"""Tables of flows."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, Column, Identity, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from pytake_app.core.models import id_field, json_field, organization_field, time_field


class Flow(SQLModel, table=True):
    """A flow with its one draft. `triggers` is derived from the live version at publishing.

    `activated_at`: when it last went from not answering to answering; of several flows that answer any message, the
    newest one does.
    """

    __tablename__ = "flows"
    __table_args__ = (
        UniqueConstraint("organization_id", "slug"),
        Index("flows_in_folder", "organization_id", "folder_id"),
        Index("flows_recent", "organization_id", "updated_at", "id"),
    )

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    name: str
    slug: str
    status: str = Field(default="draft", description="draft, active, inactive")
    draft_revision: int = 1
    draft_document: dict[str, Any] = json_field()
    draft_updated_at: datetime = time_field()
    draft_updated_by: UUID | None = None
    draft_changes: int = Field(default=0, description="things that differ from the live version")
    live_version: int | None = None
    triggers: list[dict[str, Any]] = json_field(list)
    activated_at: datetime | None = time_field(nullable=True)
    folder_id: UUID | None = Field(default=None, foreign_key="flow_folders.id")
    tags: list[str] = json_field(list)
    draft_errors: int | None = Field(default=None, description="the verifier's errors; None: not looked at yet")
    search_text: str = Field(default="", description="the draft's texts, accents and case folded")
    archived_at: datetime | None = time_field(nullable=True)
    created_at: datetime = time_field()
    updated_at: datetime = time_field()
    deleted_at: datetime | None = time_field(nullable=True)


class FlowFolder(SQLModel, table=True):
    """A folder of the flow list, within another one or at the top."""

    __tablename__ = "flow_folders"

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    parent_id: UUID | None = Field(default=None, foreign_key="flow_folders.id")
    name: str
    created_at: datetime = time_field()


class FlowListView(SQLModel, table=True):
    """One person's saved view of the flow list: a name for filters and order."""

    __tablename__ = "flow_views"
    __table_args__ = (Index("flow_views_of_user", "user_id", "id"),)

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    user_id: UUID = Field(foreign_key="users.id")
    name: str
    filters: dict[str, Any] = json_field()
    created_at: datetime = time_field()


class FlowVersion(SQLModel, table=True):
    """An immutable published version. `change`: how much it changed against the one before (see `flows.comparing`).
    `tests`: what its test cases said (`schemas.VersionTests`)."""

    __tablename__ = "flow_versions"
    __table_args__ = (UniqueConstraint("flow_id", "version"), Index("flow_versions_flow", "flow_id", "version"))

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    flow_id: UUID = Field(foreign_key="flows.id")
    version: int
    document: dict[str, Any] = json_field()
    checksum: str
    note: str = ""
    published_by: UUID | None = None
    published_at: datetime = time_field()
    change: dict[str, Any] | None = json_field(None)
    tests: dict[str, Any] | None = json_field(None)


class FlowTestCase(SQLModel, table=True):
    """A saved preview: a script (`preview_schemas.PreviewScript`) and what is to come of it
    (`testcase_schemas.Expectation`)."""

    __tablename__ = "flow_test_cases"
    __table_args__ = (Index("flow_test_cases_flow", "flow_id", "id"),)

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    flow_id: UUID = Field(foreign_key="flows.id")
    name: str
    script: dict[str, Any] = json_field()
    expected: dict[str, Any] = json_field()
    created_by: UUID | None = None
    created_at: datetime = time_field()
    updated_at: datetime = time_field()


class FlowEdit(SQLModel, table=True):
    """The undo journal: one applied edit (operations that are one undo step) and its inverse.

    `kind`: edit, undo, redo. `undone`: an edit or redo that an undo took back, or an undo that a redo took back;
    `undoes`: the revision that an undo or redo took back. `cid`: the editor's own id of the edit, so that one sent
    again (a lost answer, a browser that crashed) is done once.
    """

    __tablename__ = "flow_edits"
    __table_args__ = (
        Index("flow_edits_revision", "flow_id", "revision"),
        Index("flow_edits_cid", "flow_id", "cid", postgresql_where=text("cid IS NOT NULL")),
    )

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=False), primary_key=True))
    organization_id: UUID = Field(foreign_key="organizations.id")
    flow_id: UUID = Field(foreign_key="flows.id")
    revision: int
    operations: list[dict[str, Any]] = json_field(list)
    inverse: list[dict[str, Any]] = json_field(list)
    actor_id: UUID | None = None
    kind: str = "edit"
    undone: bool = False
    undoes: int | None = None
    cid: str | None = None
    created_at: datetime = time_field()


class FlowSession(SQLModel, table=True):
    """One contact's run through one flow version; `state` is the engine's serialised session.

    `tape`: what the engine was handed in the sprints before `session_records` was there (see `flows.tapes`).
    `counted`: it is over and part of the figures (see `flows.stats_rollup`). `delayed`: it is in a long delay, beside
    which the contact may have another session.
    """

    __tablename__ = "flow_sessions"
    __table_args__ = (
        Index(
            "flow_sessions_one_busy",
            "contact_id",
            "channel_account_id",
            unique=True,
            postgresql_where=text("status IN ('active', 'waiting') AND NOT delayed"),
        ),
        Index("flow_sessions_delayed", "contact_id", "channel_account_id", postgresql_where=text("delayed")),
        Index("flow_sessions_flow", "flow_id", "id"),
        Index("flow_sessions_recent", "organization_id", "id"),
        Index("flow_sessions_uncounted", "organization_id", "started_at", postgresql_where=text("NOT counted")),
        Index("flow_sessions_to_count", "ended_at", postgresql_where=text("NOT counted AND ended_at IS NOT NULL")),
    )

    id: UUID = id_field()
    organization_id: UUID = organization_field(index=False)
    flow_id: UUID = Field(foreign_key="flows.id")
    version: int
    contact_id: UUID = Field(foreign_key="contacts.id", index=True)
    conversation_id: UUID
    channel_account_id: UUID
    status: str
    current_node: str | None = None
    outcome: str | None = None
    state: dict[str, Any] = json_field()
    tape: list[dict[str, Any]] = json_field(list)
    started_at: datetime = time_field()
    updated_at: datetime = time_field()
    expires_at: datetime | None = time_field(nullable=True)
    ended_at: datetime | None = time_field(nullable=True)
    counted: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    delayed: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})


class SessionRecord(SQLModel, table=True):
    """One record of a session's tape (see `flows.tape`), numbered from one; only ever appended."""

    __tablename__ = "session_records"

    session_id: UUID = Field(primary_key=True)
    number: int = Field(primary_key=True)
    organization_id: UUID = Field(nullable=False)
    record: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))


class SessionStep(SQLModel, table=True):
    """One visit of one node; partitioned by month of `created_at`. `flow_version` is empty in rows from before it.

    The table has no index on `id`: steps are read by session or by node.
    """

    __tablename__ = "session_steps"
    __table_args__ = (
        Index("session_steps_session", "session_id", "sequence"),
        Index("session_steps_node", "flow_id", "node_id", "created_at", "id"),
        {"postgresql_partition_by": "RANGE (created_at)"},
    )

    id: UUID = id_field()
    created_at: datetime = time_field(primary_key=True)
    organization_id: UUID = Field(nullable=False)
    session_id: UUID = Field(nullable=False)
    flow_id: UUID = Field(nullable=False)
    flow_version: int | None = None
    sequence: int
    node_id: str
    node_type: str
    port: str | None = None
    why: str = ""
    reads: dict[str, Any] = json_field()
    writes: dict[str, Any] = json_field()
    duration_us: int = 0
    message_ids: list[str] = json_field(list)


class Timer(SQLModel, table=True):
    """Something due later for a session: kind delay, timeout or expiry. Fired timers become inbound events."""

    __tablename__ = "timers"
    __table_args__ = (
        Index("timers_due", "due_at", postgresql_where=text("fired_at IS NULL")),
        Index("timers_session", "session_id"),
    )

    id: UUID = id_field()
    organization_id: UUID = organization_field(index=False, foreign_key=False)
    session_id: UUID
    channel_account_id: UUID
    contact_key: str
    lane: int
    kind: str
    wait_id: str
    due_at: datetime = time_field()
    fired_at: datetime | None = time_field(nullable=True)
    trace: str | None = None


class FlowRequest(SQLModel, table=True):
    """A request to the outside that a session waits for. Performed at least once, resumed exactly once.

    `id` is the wait's id. `state`: pending, running (until `lease_until`), done, canceled. `request` names secrets and
    never holds them; `result` is what the engine was resumed with, kept for replay.
    """

    __tablename__ = "flow_requests"
    __table_args__ = (
        Index("flow_requests_pending", "created_at", postgresql_where=text("state = 'pending'")),
        Index("flow_requests_running", "lease_until", postgresql_where=text("state = 'running'")),
        Index("flow_requests_session", "session_id"),
        Index("flow_requests_age", "created_at"),
    )

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    session_id: UUID = Field(foreign_key="flow_sessions.id")
    channel_account_id: UUID
    contact_key: str
    lane: int
    node_id: str
    kind: str
    request: dict[str, Any] = json_field()
    state: str = "pending"
    attempts: int = 0
    claimed_by: str | None = None
    lease_until: datetime | None = time_field(nullable=True)
    result: dict[str, Any] | None = json_field(None)
    created_at: datetime = time_field()
    finished_at: datetime | None = time_field(nullable=True)
    trace: str | None = None


class FlowSchedule(SQLModel, table=True):
    """A schedule trigger of a live flow, and when it is due next."""

    __tablename__ = "flow_schedules"
    __table_args__ = (UniqueConstraint("flow_id", "node_id"), Index("flow_schedules_due", "next_at"))

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    flow_id: UUID = Field(foreign_key="flows.id")
    node_id: str
    cron: str
    timezone: str = ""
    tag: str = ""
    account: str = ""
    next_at: datetime | None = time_field(nullable=True)
    last_at: datetime | None = time_field(nullable=True)
    last_count: int = 0


class EmittedEvent(SQLModel, table=True):
    """An event that a flow emitted for the organization's webhook endpoints. `taken_at`: when they were told."""

    __tablename__ = "emitted_events"
    __table_args__ = (
        Index("emitted_events_new", "id", postgresql_where=text("taken_at IS NULL")),
        Index("emitted_events_recent", "organization_id", "id"),
    )

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    name: str
    payload: dict[str, Any] = json_field()
    conversation_id: UUID | None = None
    contact_id: UUID | None = None
    session_id: UUID | None = None
    node_id: str | None = None
    created_at: datetime = time_field()
    taken_at: datetime | None = time_field(nullable=True)


class FlowFigure(SQLModel, table=True):
    """A count over sessions that are over, by the hour in which they began; see `flows.stats_rollup` for measures."""

    __tablename__ = "flow_figures"
    __table_args__ = (
        # The list of flows in order of their sessions looks at nothing else.
        Index("flow_figures_sessions", "organization_id", "hour", postgresql_where=text("measure = 'session'")),
    )

    flow_id: UUID = Field(primary_key=True)
    measure: str = Field(primary_key=True)
    hour: datetime = time_field(primary_key=True)
    version: int = Field(primary_key=True, description="0: not known")
    channel_account_id: UUID = Field(primary_key=True)
    node_id: str = Field(primary_key=True, default="")
    key: str = Field(primary_key=True, default="")
    organization_id: UUID = organization_field()
    value: int = Field(sa_type=BigInteger)


class FlowPublication(SQLModel, table=True):
    """A publication for later: what is to go live, when, and what became of it.

    `state`: pending, done, failed, canceled. `problem`: code and sentences of a failed one.
    """

    __tablename__ = "flow_publications"
    __table_args__ = (
        Index("flow_publications_flow", "flow_id", "publish_at"),
        Index("flow_publications_due", "publish_at", postgresql_where=text("state = 'pending'")),
    )

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    flow_id: UUID = Field(foreign_key="flows.id")
    state: str = "pending"
    publish_at: datetime = time_field()
    document: dict[str, Any] = json_field()
    checksum: str
    note: str = ""
    impact: dict[str, Any] = json_field()
    created_by: UUID | None = None
    created_at: datetime = time_field()
    finished_at: datetime | None = time_field(nullable=True)
    version: int | None = None
    problem: dict[str, Any] | None = json_field(None)

"""What flows name of their organization: tags, contact fields, departments, business hours, queues, templates."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

CURRENT = "(SELECT NULLIF(current_setting('app.organization_id', true), '')::uuid)"
TABLES = (
    "contact_tags",
    "custom_fields",
    "departments",
    "department_members",
    "business_calendars",
    "service_queues",
    "message_templates",
)
# What the pipeline needs: flows make tags and hand over to queues, calendars say when it is open, Meta speaks of
# templates.
PIPELINE = {
    "contact_tags": "SELECT, INSERT",
    "business_calendars": "SELECT",
    "service_queues": "SELECT",
    "message_templates": "SELECT, UPDATE",
}
OFFICE_HOURS = '[{"days": [0, 1, 2, 3, 4], "opens": "09:00", "closes": "18:00"}]'


def _time(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.String(), nullable=nullable)


def _id(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Uuid(), nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer(), nullable=nullable)


def _flag(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean(), nullable=False)


def _json(name: str) -> sa.Column[Any]:
    return sa.Column(name, JSONB(), nullable=False)


def _table(name: str, *columns: Any) -> None:
    op.create_table(
        name,
        _id("id"),
        _id("organization_id"),
        *columns,
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(f"ix_{name}_organization_id", name, ["organization_id"])


def _protect(table: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant ON {table} TO pytake_app "
        f"USING (organization_id = {CURRENT}) WITH CHECK (organization_id = {CURRENT})"
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO pytake_app")
    if table in PIPELINE:
        op.execute(f"CREATE POLICY pipeline ON {table} TO pytake_system USING (true) WITH CHECK (true)")
        op.execute(f"GRANT {PIPELINE[table]} ON {table} TO pytake_system")


def upgrade() -> None:
    """Expand, and give organizations that exist what new ones begin with."""
    _table(
        "contact_tags",
        _text("name"),
        _text("color"),
        _time("created_at"),
        sa.UniqueConstraint("organization_id", "name"),
    )
    _table(
        "custom_fields",
        _text("key"),
        _text("label"),
        _text("type"),
        _json("options"),
        _text("description"),
        _time("created_at"),
        _time("updated_at"),
        sa.UniqueConstraint("organization_id", "key"),
    )
    _table(
        "departments",
        _text("name"),
        _text("description"),
        _time("created_at"),
        _time("updated_at"),
        sa.UniqueConstraint("organization_id", "name"),
    )
    op.create_table(
        "department_members",
        _id("organization_id"),
        _id("department_id"),
        _id("user_id"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.ForeignKeyConstraint(["department_id"], ["departments.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("department_id", "user_id"),
    )
    op.create_index("ix_department_members_organization_id", "department_members", ["organization_id"])
    op.create_index("ix_department_members_user_id", "department_members", ["user_id"])
    _table(
        "business_calendars",
        _text("name"),
        _text("timezone"),
        _json("periods"),
        _json("holidays"),
        _flag("is_default"),
        _time("created_at"),
        _time("updated_at"),
        sa.UniqueConstraint("organization_id", "name"),
    )
    only_one = {"unique": True, "postgresql_where": sa.text("is_default")}
    op.create_index("business_calendars_default", "business_calendars", ["organization_id"], **only_one)
    _table(
        "service_queues",
        _text("name"),
        _text("description"),
        _id("department_id", nullable=True),
        _id("calendar_id", nullable=True),
        _number("max_size", nullable=True),
        _number("max_wait_minutes", nullable=True),
        _number("priority"),
        _json("skills"),
        _text("welcome_message"),
        _text("waiting_message"),
        _text("closed_message"),
        _text("overflow_action"),
        _id("overflow_queue_id", nullable=True),
        _text("overflow_message"),
        _flag("is_default"),
        _flag("is_active"),
        _time("created_at"),
        _time("updated_at"),
        sa.ForeignKeyConstraint(["department_id"], ["departments.id"], ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["calendar_id"], ["business_calendars.id"], ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["overflow_queue_id"], ["service_queues.id"], ondelete="SET NULL"),
        sa.UniqueConstraint("organization_id", "name"),
    )
    op.create_index("service_queues_default", "service_queues", ["organization_id"], **only_one)
    _table(
        "message_templates",
        _text("business_account_id"),
        _text("external_id"),
        _text("name"),
        _text("language"),
        _text("category"),
        _text("status"),
        _text("reason"),
        _text("quality"),
        _text("parameter_format"),
        _json("components"),
        _time("created_at"),
        _time("updated_at"),
        sa.UniqueConstraint("organization_id", "business_account_id", "name", "language"),
    )
    op.add_column("conversations", _id("queue_id", nullable=True))
    op.create_index(
        "conversations_by_queue", "conversations", ["queue_id"], postgresql_where=sa.text("queue_id IS NOT NULL")
    )
    _fill()
    for table in TABLES:
        _protect(table)


def _fill() -> None:
    for table in ("organizations", "contacts"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(
        "INSERT INTO contact_tags (id, organization_id, name, color, created_at) "
        "SELECT gen_random_uuid(), organization_id, name, '', now() FROM "
        "(SELECT DISTINCT organization_id, jsonb_array_elements_text(tags) AS name FROM contacts) used"
    )
    op.execute(
        "INSERT INTO business_calendars (id, organization_id, name, timezone, periods, holidays, is_default, created_at, "
        "updated_at) SELECT gen_random_uuid(), id, CASE locale WHEN 'pt_BR' THEN 'Horário comercial' WHEN 'es' THEN "
        "'Horario comercial' ELSE 'Office hours' END, COALESCE(settings #>> '{business_hours,timezone}', ''), "
        f"COALESCE(settings #> '{{business_hours,periods}}', '{OFFICE_HOURS}'::jsonb), "
        "COALESCE((SELECT jsonb_agg(jsonb_build_object('date', day, 'name', '')) FROM "
        "jsonb_array_elements_text(settings #> '{business_hours,holidays}') day), '[]'::jsonb), "
        "true, now(), now() FROM organizations"
    )
    op.execute(
        "INSERT INTO service_queues (id, organization_id, name, description, priority, skills, welcome_message, "
        "waiting_message, closed_message, overflow_action, overflow_message, is_default, is_active, created_at, updated_at) "
        "SELECT gen_random_uuid(), id, CASE locale WHEN 'pt_BR' THEN 'Atendimento' WHEN 'es' THEN 'Atención' "
        "ELSE 'Support' END, '', 0, '[]'::jsonb, '', '', '', 'none', '', true, true, now(), now() FROM organizations"
    )
    for table in ("organizations", "contacts"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    """Back to the previous revision."""
    op.drop_index("conversations_by_queue", "conversations")
    op.drop_column("conversations", "queue_id")
    for table in ("message_templates", "service_queues", "business_calendars", "department_members", "departments",
                  "custom_fields", "contact_tags"):  # fmt: skip
        op.drop_table(table)

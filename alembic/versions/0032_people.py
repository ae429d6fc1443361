"""Invitations, links to reset passwords, second factors, known devices, pictures of people, mails that are to leave."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0032"
down_revision: str | None = "0031"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

CURRENT = "(SELECT NULLIF(current_setting('app.organization_id', true), '')::uuid)"
EVERYTHING = "SELECT, INSERT, UPDATE, DELETE"
SIGN_IN = {
    "invitations": "SELECT",
    "password_resets": EVERYTHING,
    "totp_factors": EVERYTHING,
    "recovery_codes": EVERYTHING,
    "sign_in_challenges": EVERYTHING,
    "known_devices": EVERYTHING,
    "mail_outbox": "INSERT",
}
"""What is read and written before the organization is known: found by the hash of a secret, or by the person."""
TABLES = ("user_avatars", *SIGN_IN)


def _time(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name: str, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.String(), nullable=False, **options)


def _number(name: str, kind: Any = sa.Integer) -> sa.Column[Any]:
    return sa.Column(name, kind(), nullable=False)


def _table(name: str, *columns: Any, key: str = "id", user: bool = True) -> None:
    own = [] if key == "user_id" else [sa.Column("id", sa.Uuid(), nullable=False)]
    constraints: list[Any] = [
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.PrimaryKeyConstraint(key),
    ]
    if user:
        own.append(sa.Column("user_id", sa.Uuid(), nullable=False))
        constraints.append(sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"))
    op.create_table(name, *own, sa.Column("organization_id", sa.Uuid(), nullable=False), *columns, *constraints)
    op.create_index(f"ix_{name}_organization_id", name, ["organization_id"])


def _protect(table: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant ON {table} TO pytake_app "
        f"USING (organization_id = {CURRENT}) WITH CHECK (organization_id = {CURRENT})"
    )
    op.execute(f"GRANT {EVERYTHING} ON {table} TO pytake_app")


def upgrade() -> None:
    """Expand."""
    for name in ("time_zone", "avatar"):
        op.add_column("users", _text(name, server_default=""))
    for name in ("password_changed_at", "removed_at"):
        op.add_column("users", _time(name, nullable=True))
    _table(
        "user_avatars", sa.Column("image", sa.LargeBinary(), nullable=False), _time("updated_at"), key="user_id"
    )  # fmt: skip
    _table(
        "invitations",
        _text("email"),
        _text("role"),
        sa.Column("departments", JSONB(), nullable=False),
        _text("locale"),
        _text("token_hash"),
        sa.Column("invited_by", sa.Uuid(), nullable=True),
        _time("created_at"),
        _time("sent_at"),
        _time("expires_at"),
        _time("accepted_at", nullable=True),
        _time("revoked_at", nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.UniqueConstraint("token_hash"),
        user=False,
    )
    open_one = sa.text("accepted_at IS NULL AND revoked_at IS NULL")
    op.create_index(
        "invitations_open", "invitations", ["organization_id", "email"], unique=True, postgresql_where=open_one
    )
    _table(
        "password_resets",
        _text("token_hash"),
        _time("created_at"),
        _time("expires_at"),
        _time("used_at", nullable=True),
        sa.UniqueConstraint("token_hash"),
    )
    _table(
        "totp_factors",
        _text("secret_cipher"),
        _number("last_step", sa.BigInteger),
        _time("created_at"),
        _time("confirmed_at", nullable=True),
        key="user_id",
    )
    _table("recovery_codes", _text("code_hash"), _time("created_at"), _time("used_at", nullable=True))
    _table(
        "sign_in_challenges",
        _text("purpose"),
        _text("token_hash"),
        _number("tries"),
        _time("created_at"),
        _time("expires_at"),
        _time("used_at", nullable=True),
        sa.UniqueConstraint("token_hash"),
    )
    _table(
        "known_devices",
        _text("token_hash"),
        _text("user_agent"),
        _time("created_at"),
        _time("last_used_at"),
        sa.UniqueConstraint("user_id", "token_hash"),
    )
    for name in ("password_resets", "recovery_codes", "sign_in_challenges"):
        op.create_index(f"ix_{name}_user_id", name, ["user_id"])
    op.create_index("ix_known_devices_last_used_at", "known_devices", ["last_used_at"])
    _table(
        "mail_outbox",
        _text("recipient"),
        _text("template"),
        _text("locale"),
        _text("values_cipher"),
        _text("state"),
        _number("attempts"),
        _time("next_try_at"),
        _text("last_error"),
        _time("created_at"),
        _time("finished_at", nullable=True),
        user=False,
    )
    waiting = {"postgresql_where": sa.text("state = 'waiting'")}
    op.create_index("mail_outbox_waiting", "mail_outbox", ["next_try_at"], **waiting)
    finished = {"postgresql_where": sa.text("finished_at IS NOT NULL")}
    op.create_index("mail_outbox_finished", "mail_outbox", ["finished_at"], **finished)
    for table in TABLES:
        _protect(table)
    for table, privileges in SIGN_IN.items():
        op.execute(f"CREATE POLICY sign_in ON {table} TO pytake_auth USING (true) WITH CHECK (true)")
        op.execute(f"GRANT {privileges} ON {table} TO pytake_auth")
    # Mails leave by the scheduler, for every organization.
    op.execute("CREATE POLICY pipeline ON mail_outbox TO pytake_system USING (true) WITH CHECK (true)")
    op.execute("GRANT SELECT, UPDATE, DELETE ON mail_outbox TO pytake_system")


def downgrade() -> None:
    """Back to the previous revision."""
    for table in reversed(TABLES):
        op.drop_table(table)
    for name in ("time_zone", "avatar", "password_changed_at", "removed_at"):
        op.drop_column("users", name)

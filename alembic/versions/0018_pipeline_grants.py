"""The pipeline's role may do to each table what the pipeline does, and no more."""

from collections.abc import Sequence

from alembic import op

revision: str = "0018"
down_revision: str | None = "0017"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

# What goes live at which time is carried out as the organization itself: here one only looks for what is due.
DUE = "SELECT (id, organization_id, publish_at, state)"
WANTED = {
    "flow_publications": DUE,
    "flow_edits": "",
    "flows": "SELECT",
    "flow_versions": "SELECT",
    "idempotency_keys": "SELECT, DELETE",
    "sandbox_messages": "SELECT",
    "raw_webhooks": "SELECT, INSERT",
    "automation_log": "SELECT, INSERT",
    "session_steps": "SELECT, INSERT",
    "emitted_events": "SELECT, INSERT",
    "notifications": "SELECT, INSERT",
    "channel_accounts": "SELECT, UPDATE",
    "contacts": "SELECT, INSERT, UPDATE",
    "contact_identities": "SELECT, INSERT, UPDATE",
    "conversations": "SELECT, INSERT, UPDATE",
    "messages": "SELECT, INSERT, UPDATE",
    "media_assets": "SELECT, INSERT, UPDATE",
    "media_copies": "SELECT, INSERT, UPDATE",
    "flow_sessions": "SELECT, INSERT, UPDATE",
    "flow_figures": "SELECT, INSERT, UPDATE",
}


def upgrade() -> None:
    """Take away, then give what is wanted."""
    for table, privileges in WANTED.items():
        op.execute(f"REVOKE ALL ON {table} FROM pytake_system")
        if privileges:
            op.execute(f"GRANT {privileges} ON {table} TO pytake_system")


def downgrade() -> None:
    """Back to the previous revision."""
    op.execute(f"REVOKE {DUE} ON flow_publications FROM pytake_system")
    for table in WANTED:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO pytake_system")

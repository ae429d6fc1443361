"""What a row names belongs to the row's own organization: refused by PostgreSQL, whatever the code forgot.

Foreign keys don't compare organizations, and are checked without asking policies. A composite key on each would need one
more index on every table that is named, which hot tables would pay with each message; a look-up by the key that is
there costs only who writes these rows, and they are seldom written. Tables of the pipeline are left out
(`tests/security/isolation/test_rows.py` lists them with the reason).
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0042"
down_revision: str | None = "0041"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

# table → (column, table that it names, that table's key)
NAMED: dict[str, tuple[tuple[str, str, str], ...]] = {
    "agent_queues": (("user_id", "agents", "user_id"), ("queue_id", "service_queues", "id")),
    "agent_status_changes": (("user_id", "agents", "user_id"),),
    "agents": (("user_id", "users", "id"),),
    "api_keys": (("created_by", "users", "id"),),
    "auth_sessions": (("user_id", "users", "id"),),
    "canned_responses": (("department_id", "departments", "id"),),
    "conversation_mentions": (("conversation_id", "conversations", "id"),),
    "conversation_participants": (("conversation_id", "conversations", "id"),),
    "department_members": (("department_id", "departments", "id"), ("user_id", "users", "id")),
    "flow_edits": (("flow_id", "flows", "id"),),
    "flow_folders": (("parent_id", "flow_folders", "id"),),
    "flow_publications": (("flow_id", "flows", "id"),),
    "flow_schedules": (("flow_id", "flows", "id"),),
    "flow_test_cases": (("flow_id", "flows", "id"),),
    "flow_versions": (("flow_id", "flows", "id"),),
    "flow_views": (("user_id", "users", "id"),),
    "flows": (("folder_id", "flow_folders", "id"),),
    "message_drafts": (("conversation_id", "conversations", "id"),),
    "password_resets": (("user_id", "users", "id"),),
    "recovery_codes": (("user_id", "users", "id"),),
    "refresh_tokens": (("session_id", "auth_sessions", "id"),),
    "scheduled_messages": (("conversation_id", "conversations", "id"),),
    "service_queues": (
        ("calendar_id", "business_calendars", "id"),
        ("department_id", "departments", "id"),
        ("overflow_queue_id", "service_queues", "id"),
    ),
    "sign_in_challenges": (("user_id", "users", "id"),),
    "totp_factors": (("user_id", "users", "id"),),
    "user_avatars": (("user_id", "users", "id"),),
}
# As whoever writes the row: for an organization's own role another's rows aren't even there. Arguments: threes of
# column, table and key.
CHECK = """
CREATE FUNCTION pytake_same_organization() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    fits boolean;
BEGIN
    FOR at IN 0 .. TG_NARGS - 1 BY 3 LOOP
        EXECUTE format(
            'SELECT ($1).%1$I IS NULL OR EXISTS ('
            'SELECT 1 FROM %2$I named WHERE named.%3$I = ($1).%1$I AND named.organization_id = ($1).organization_id)',
            TG_ARGV[at], TG_ARGV[at + 1], TG_ARGV[at + 2]
        ) INTO fits USING NEW;
        IF NOT fits THEN
            RAISE EXCEPTION '% of % names nothing of its organization', TG_ARGV[at], TG_TABLE_NAME
                USING ERRCODE = 'foreign_key_violation';
        END IF;
    END LOOP;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    """Expand. Rows that are there already are not looked at."""
    op.execute(CHECK)
    for table, named in NAMED.items():
        columns = ", ".join(dict.fromkeys(["organization_id", *(column for column, _, _ in named)]))
        arguments = ", ".join(f"'{word}'" for three in named for word in three)
        op.execute(
            f"CREATE TRIGGER same_organization AFTER INSERT OR UPDATE OF {columns} ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION pytake_same_organization({arguments})"
        )


def downgrade() -> None:
    """Back to the previous revision."""
    for table in NAMED:
        op.execute(f"DROP TRIGGER same_organization ON {table}")
    op.execute("DROP FUNCTION pytake_same_organization()")

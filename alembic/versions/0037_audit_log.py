"""The audit log: who changed what of the organization's configuration, written by triggers, never rewritten.

The triggers work for every way to change a row, also for a later one that nobody thought of. Their tables are few and
seldom written; `accounts/audited.py` says why each other table has none. A later migration audits its own table with
`SELECT pytake_audit_table(table, events, kind, id column, name column, ignored, secret)`.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0037"
down_revision: str | None = "0036"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

CURRENT = "(SELECT NULLIF(current_setting('app.organization_id', true), '')::uuid)"
KEEPER = "pytake_audit"

# What is shown of a row: neither what is ignored nor what a secret says, and of long values the beginning.
SHOWN = """
CREATE FUNCTION pytake_audit_shown(value jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN jsonb_typeof(value) = 'string' AND length(value #>> '{}') > 300
            THEN to_jsonb(left(value #>> '{}', 300) || '…')
        WHEN jsonb_typeof(value) IN ('object', 'array') AND length(value::text) > 4000
            THEN to_jsonb(left(value::text, 300) || '…')
        ELSE value
    END
$$
"""
CHANGE = """
CREATE FUNCTION pytake_audit_change() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    kind CONSTANT text := TG_ARGV[0];
    ignored CONSTANT text[] := string_to_array(TG_ARGV[3], ',')
        || ARRAY['id', 'organization_id', 'created_at', 'updated_at', 'updated_by', 'created_by'];
    secret CONSTANT text[] := string_to_array(TG_ARGV[4], ',');
    was jsonb := '{}';
    now_is jsonb := '{}';
    row_is jsonb;
    before_is jsonb := '{}';
    after_is jsonb := '{}';
    old_part jsonb;
    new_part jsonb;
    who jsonb := coalesce(nullif(current_setting('app.actor', true), ''), '{}')::jsonb;
    member text;
    inner_member text;
    tenant uuid;
BEGIN
    IF TG_OP <> 'INSERT' THEN was := to_jsonb(OLD); END IF;
    IF TG_OP <> 'DELETE' THEN now_is := to_jsonb(NEW); END IF;
    row_is := CASE WHEN TG_OP = 'DELETE' THEN was ELSE now_is END;
    FOR member IN SELECT jsonb_object_keys(row_is) LOOP
        old_part := was -> member;
        new_part := now_is -> member;
        CONTINUE WHEN member = ANY(ignored) OR old_part IS NOT DISTINCT FROM new_part;
        IF member = ANY(secret) THEN
            -- That it changed is told, never what it was.
            old_part := CASE WHEN coalesce(old_part, 'null') IN ('null', '""', '{}') THEN NULL ELSE '"•••"'::jsonb END;
            new_part := CASE WHEN coalesce(new_part, 'null') IN ('null', '""', '{}') THEN NULL ELSE '"•••"'::jsonb END;
        ELSIF jsonb_typeof(old_part) = 'object' AND jsonb_typeof(new_part) = 'object' THEN
            FOR inner_member IN SELECT jsonb_object_keys(old_part || new_part) LOOP
                IF old_part -> inner_member IS NOT DISTINCT FROM new_part -> inner_member
                        OR member || '.' || inner_member = ANY(ignored) THEN
                    old_part := old_part - inner_member;
                    new_part := new_part - inner_member;
                END IF;
            END LOOP;
            CONTINUE WHEN old_part = '{}' AND new_part = '{}';
        END IF;
        IF TG_OP = 'UPDATE' OR coalesce(old_part, 'null') NOT IN ('null', '""', '{}', '[]') THEN
            before_is := before_is || jsonb_build_object(member, pytake_audit_shown(old_part));
        END IF;
        IF TG_OP = 'UPDATE' OR coalesce(new_part, 'null') NOT IN ('null', '""', '{}', '[]') THEN
            after_is := after_is || jsonb_build_object(member, pytake_audit_shown(new_part));
        END IF;
    END LOOP;
    IF TG_OP = 'UPDATE' AND before_is = '{}' AND after_is = '{}' THEN
        RETURN NULL;
    END IF;
    tenant := (row_is ->> CASE WHEN TG_TABLE_NAME = 'organizations' THEN 'id' ELSE 'organization_id' END)::uuid;
    -- An organization that is being erased leaves no trace of what it had. It can't say so of itself.
    IF TG_OP = 'DELETE' AND current_setting('app.erasing', true) = 'on'
            AND EXISTS (SELECT 1 FROM organizations o WHERE o.id = tenant AND o.status = 'deleting') THEN
        RETURN NULL;
    END IF;
    INSERT INTO audit_log (id, organization_id, at, actor_kind, actor_id, actor_name, address, action,
                           object_kind, object_id, object_name, before, after)
    VALUES (gen_random_uuid(), tenant, clock_timestamp(), coalesce(who ->> 'kind', 'system'),
            nullif(who ->> 'id', '')::uuid, left(coalesce(who ->> 'name', ''), 200),
            left(coalesce(who ->> 'address', ''), 64),
            CASE TG_OP WHEN 'INSERT' THEN 'created' WHEN 'UPDATE' THEN 'updated' ELSE 'deleted' END,
            kind, coalesce(row_is ->> TG_ARGV[1], ''), left(coalesce(row_is ->> TG_ARGV[2], ''), 200),
            CASE WHEN TG_OP = 'INSERT' THEN NULL ELSE before_is END,
            CASE WHEN TG_OP = 'DELETE' THEN NULL ELSE after_is END);
    RETURN NULL;
END $$
"""
REFUSE = """
CREATE FUNCTION pytake_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_user = 'pytake_audit' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the audit log is only added to' USING ERRCODE = 'insufficient_privilege';
END $$
"""
AUDIT_TABLE = """
CREATE FUNCTION pytake_audit_table(
    audited regclass, events text, kind text, id_column text, name_column text, ignored text, secret text
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER audit AFTER %s ON %s FOR EACH ROW EXECUTE FUNCTION pytake_audit_change(%L, %L, %L, %L, %L)',
                   events, audited, kind, id_column, name_column, ignored, secret);
END $$
"""
PRUNE = """
CREATE FUNCTION pytake_audit_prune(tenant uuid, before_at timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE gone integer;
BEGIN
    -- A month stays, whoever asks.
    DELETE FROM audit_log WHERE id IN (
        SELECT a.id FROM audit_log a
        WHERE a.organization_id = tenant AND a.at < least(before_at, now() - interval '30 days') ORDER BY a.at LIMIT 5000);
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone;
END $$
"""
FORGET = """
CREATE FUNCTION pytake_audit_forget(tenant uuid) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE gone integer;
BEGIN
    DELETE FROM audit_log WHERE organization_id = tenant;
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone;
END $$
"""
# table, events, kind, id column, name column, ignored, secret
SYNC = ",".join(
    f"settings.{name}"
    for name in (
        "templates_sync_due", "templates_synced_at", "templates_sync_code", "templates_sync_failures", "last_check", "tier",
    )
)  # fmt: skip
ANY = "INSERT OR UPDATE OR DELETE"
AUDITED = (
    ("organizations", "INSERT OR UPDATE", "organization", "id", "name", "suspended_by,deletion_requested_by", ""),
    ("users", ANY, "user", "id", "full_name", "last_login_at,password_hash", ""),
    ("invitations", ANY, "invitation", "id", "email", "sent_at", "token_hash"),
    ("departments", ANY, "department", "id", "name", "", ""),
    ("department_members", ANY, "department_member", "department_id", "", "", ""),
    ("role_permissions", ANY, "role", "role", "role", "", ""),
    (
        "flows",
        "INSERT OR DELETE OR UPDATE OF name, slug, status, live_version, folder_id, tags, archived_at, deleted_at",
        "flow",
        "id",
        "name",
        "draft_document,draft_revision,draft_updated_at,draft_updated_by,draft_changes,draft_errors,triggers,search_text,activated_at",
        "",
    ),
    ("flow_versions", ANY, "flow_version", "flow_id", "version", "document,checksum,tests,change,published_at", ""),
    ("flow_folders", ANY, "flow_folder", "id", "name", "", ""),
    ("flow_publications", ANY, "flow_publication", "flow_id", "", "document,checksum,impact,finished_at", ""),
    ("flow_test_cases", ANY, "flow_test_case", "id", "name", "script,expected", ""),
    ("channel_accounts", ANY, "channel_account", "id", "name", SYNC, "credentials"),
    ("message_templates", ANY, "message_template", "id", "name", "", ""),
    ("service_queues", ANY, "service_queue", "id", "name", "alerted_at", ""),
    ("agents", "UPDATE OF capacity, skills, auto_away", "agent", "user_id", "", "last_seen_at,last_assigned_at", ""),
    ("agent_queues", ANY, "agent_queue", "queue_id", "", "", ""),
    ("business_calendars", ANY, "business_calendar", "id", "name", "", ""),
    (
        "canned_responses",
        "INSERT OR DELETE OR UPDATE OF shortcut, title, text, media_ids, scope, owner_id, department_id",
        "canned_response",
        "id",
        "shortcut",
        "uses,last_used_at",
        "",
    ),
    ("contact_tags", ANY, "contact_tag", "id", "name", "", ""),
    ("custom_fields", ANY, "custom_field", "id", "label", "", ""),
    ("organization_secrets", ANY, "secret", "id", "name", "used_at", "cipher"),
    ("inbox_views", ANY, "inbox_view", "id", "name", "position", ""),
)


def upgrade() -> None:
    """Expand."""
    op.execute(
        f"""
        DO $$ BEGIN
            CREATE ROLE {KEEPER} NOLOGIN NOSUPERUSER NOBYPASSRLS;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END $$
        """
    )
    op.execute(
        f"""
        DO $$ BEGIN
            IF NOT pg_has_role(current_user, '{KEEPER}', 'MEMBER')
               OR NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
                GRANT {KEEPER} TO CURRENT_USER;
            END IF;
        END $$
        """
    )
    op.create_table(
        "audit_log",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.String(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor_name", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("object_kind", sa.String(), nullable=False),
        sa.Column("object_id", sa.String(), nullable=False),
        sa.Column("object_name", sa.String(), nullable=False),
        sa.Column("before", JSONB(), nullable=True),
        sa.Column("after", JSONB(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("audit_log_recent", "audit_log", ["organization_id", "at", "id"])
    op.create_index("audit_log_actor", "audit_log", ["organization_id", "actor_id", "at"])
    op.create_index("audit_log_object", "audit_log", ["organization_id", "object_id", "at"])
    for source in (SHOWN, CHANGE, REFUSE, AUDIT_TABLE, PRUNE, FORGET):
        op.execute(source)
    op.execute("ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE audit_log FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON audit_log FOR SELECT TO pytake_app USING (organization_id = {CURRENT})")
    op.execute(f"CREATE POLICY written ON audit_log FOR INSERT TO pytake_app WITH CHECK (organization_id = {CURRENT})")
    op.execute("CREATE POLICY pipeline ON audit_log FOR INSERT TO pytake_system WITH CHECK (true)")
    op.execute("CREATE POLICY sign_in ON audit_log FOR INSERT TO pytake_auth WITH CHECK (true)")
    op.execute("CREATE POLICY administration ON audit_log FOR INSERT TO pytake_admin WITH CHECK (true)")
    op.execute(f"CREATE POLICY retention ON audit_log TO {KEEPER} USING (true)")
    op.execute("GRANT SELECT, INSERT ON audit_log TO pytake_app")
    op.execute("GRANT INSERT ON audit_log TO pytake_system, pytake_auth, pytake_admin")
    op.execute(f"GRANT USAGE ON SCHEMA public TO {KEEPER}")
    op.execute(f"GRANT SELECT, DELETE ON audit_log TO {KEEPER}")
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_log FOR EACH ROW EXECUTE FUNCTION pytake_audit_refuse()"
    )
    op.execute(
        "CREATE TRIGGER never_emptied BEFORE TRUNCATE ON audit_log FOR EACH STATEMENT EXECUTE FUNCTION pytake_audit_refuse()"
    )
    # The new owner must for a moment be allowed to make things where its functions lie.
    op.execute(f"GRANT CREATE ON SCHEMA public TO {KEEPER}")
    for signature in ("pytake_audit_prune(uuid, timestamptz)", "pytake_audit_forget(uuid)"):
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO pytake_system")
        op.execute(f"ALTER FUNCTION {signature} OWNER TO {KEEPER}")
    op.execute(f"REVOKE CREATE ON SCHEMA public FROM {KEEPER}")
    for row in AUDITED:
        op.execute(
            sa.text("SELECT pytake_audit_table(:t, :e, :k, :i, :n, :g, :s)").bindparams(
                **dict(zip("tekings", row, strict=True))
            )
        )


def downgrade() -> None:
    """Back to the previous revision. The role stays: other databases of the server may use it."""
    for table, *_ in AUDITED:
        op.execute(f"DROP TRIGGER audit ON {table}")
    op.drop_table("audit_log")
    for signature in (
        "pytake_audit_prune(uuid, timestamptz)", "pytake_audit_forget(uuid)", "pytake_audit_change()",
        "pytake_audit_refuse()", "pytake_audit_shown(jsonb)",
        "pytake_audit_table(regclass, text, text, text, text, text, text)",
    ):  # fmt: skip
        op.execute(f"DROP FUNCTION {signature}")
    op.execute(f"REVOKE USAGE ON SCHEMA public FROM {KEEPER}")

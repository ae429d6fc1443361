"""PostgreSQL's side of the isolation: what a statement that forgot its scope sees and may do, over every table.

The code scopes each statement itself (`core.tenancy.scoped`); here nothing helps the database.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, SQLModel, select

from pytake_app.api.services import Services
from pytake_app.core.db import Database
from tests.api.fixtures import NewCaller
from tests.api.test_tenancy import populate, tenant_tables
from tests.security.isolation.references import KINDS

OURS = ("pytake_app", "pytake_system", "pytake_auth", "pytake_admin")
# Policies beside the tenant's own, which every table has: who sees all organizations' rows there, and what for.
BEYOND = {
    "pytake_system": "the pipeline; what it may do there is pinned in tests/core/test_grants.py",
    "pytake_auth": "sign-in: before the organization is known",
    "pytake_admin": "administration of organizations; its columns are pinned in tests/core/test_grants.py",
    "pytake_audit": "takes old entries out of the audit log, and does nothing else",
}
ADMINISTERED = {
    "organizations", "usage_counts", "users", "channel_accounts", "flows", "inbound_events", "audit_log",
    "contact_erasures", "invitations",
}  # fmt: skip
SIGN_IN = {
    "organizations", "users", "api_keys", "audit_log", "auth_sessions", "refresh_tokens", "invitations",
    "known_devices", "mail_outbox", "password_resets", "recovery_codes", "role_permissions", "sign_in_challenges",
    "email_confirmations", "totp_factors",
}  # fmt: skip
# What belongs to the installation: reached by the pipeline's role only, or read by everybody.
OF_NOBODY = {"organizations", "search_progress", "plans"}
READ_BY_ALL = {"plans"}
# Columns of foreign keys that no request names: the code sets them to what it has just read or made.
SET_BY_THE_CODE = {
    "created_by": "who makes an API key: the caller",
    "user_id": "the caller, or a person just looked up",
    "session_id": "the run or the sign-in it is a part of",
    "calendar_id": "`business_hours_id` of requests",
    "overflow_queue_id": "`overflow.queue_id` of requests",
}
# Foreign keys between tenants' tables that PostgreSQL does not compare by organization (migration 0042 compares the
# others), and why the code's own care is enough.
_RUN = "written by the pipeline with each message or run, from rows that it holds of the same contact and account"
NOT_COMPARED = {
    "contact_identities": _RUN,
    "conversations": _RUN,
    "flow_sessions": _RUN,
    "flow_requests": _RUN,
    "queue_hours": "figures, counted from places in queues",
    "queue_items": f"{_RUN}; ids that people name are looked up in their organization (test_named_ids.py)",
}
# Functions that look with their owner's eyes, because a search in texts can't use an index behind a policy. Each names
# the transaction's organization itself.
DEFINERS = {
    "pytake_search_contacts": "SELECT contact_id FROM pytake_search_contacts('%maria%', '%', 1000)",
    "pytake_search_messages": (
        "SELECT conversation_id FROM pytake_search_messages(to_tsquery('simple', 'segredo'), now() + interval '1 day',"
        " 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid, 1000)"
    ),
    "pytake_tagged": """SELECT conversation_id FROM pytake_tagged('["vip"]', 1000)""",
}


def rows_of(db: Database, query: str) -> list[Any]:
    with db.system_connection() as connection:
        return list(connection.execute(text(query)))


TENANT_TABLES = """
    SELECT c.oid, c.relname, c.relrowsecurity, c.relforcerowsecurity FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND (c.relname = 'organizations' OR EXISTS (
        SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'organization_id' AND NOT a.attisdropped))
"""


def test_every_tenant_table_has_its_policies(db: Database) -> None:
    """One for the application, which compares with the transaction's organization for reading and for writing, asked
    once a statement; none for everybody, and none for a role that isn't named above."""
    policies: dict[str, dict[str, Any]] = {}
    for table, name, roles, command, using, check in rows_of(
        db, "SELECT tablename, policyname, roles::text[], cmd, qual, with_check FROM pg_policies"
    ):
        for role in roles:
            assert role in (*OURS, *BEYOND), (table, name, role)
            policies.setdefault(table, {}).setdefault(role, []).append((command, using, check))
    tables = rows_of(db, TENANT_TABLES)
    assert len(tables) > 50
    for _, table, enabled, forced in tables:
        assert (enabled, forced) == (True, True), table
        column = "id" if table == "organizations" else "organization_id"
        own = policies[table]["pytake_app"]
        assert {command for command, _, _ in own} in ({"ALL"}, {"SELECT", "INSERT"}), table
        for command, using, check in own:
            asked = [using] * (command != "INSERT") + [check] * (command != "SELECT")
            for expression in asked:
                assert expression is not None, table
                assert f"({column} = ( SELECT" in expression, (table, expression)  # in a sub-select: once a statement
                assert "app.organization_id" in expression, (table, expression)
        assert ("pytake_admin" in policies[table]) <= (table in ADMINISTERED), table
        assert ("pytake_auth" in policies[table]) <= (table in SIGN_IN), table
        assert set(policies[table]) <= {"pytake_app", *BEYOND}, table


def test_no_table_without_an_organization_is_reached(db: Database) -> None:
    """What isn't a tenant's is the installation's: listed, so that a forgotten column is seen."""
    reached = rows_of(
        db,
        """
        SELECT DISTINCT c.relname
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public',
             unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) v(verb)
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND c.relname <> 'organizations'
          AND (has_table_privilege('pytake_app', c.oid, verb) OR has_table_privilege('pytake_auth', c.oid, verb))
          AND NOT EXISTS (SELECT 1 FROM pg_attribute a
                          WHERE a.attrelid = c.oid AND a.attname = 'organization_id' AND NOT a.attisdropped)
        """,
    )
    assert {name for (name,) in reached} == READ_BY_ALL
    written = "SELECT has_table_privilege('pytake_app', '{0}', 'INSERT, UPDATE, DELETE, TRUNCATE')"
    assert [rows_of(db, written.format(name)) for name in READ_BY_ALL] == [[(False,)]]


def test_partitions_views_sequences_and_functions(db: Database) -> None:
    """The ways around a table's policy: its partitions, a view that looks with its owner's eyes, a function that
    runs as its owner, a sequence that tells how much others do, a schema where anybody may make things."""
    for role in OURS:
        partitions = rows_of(
            db,
            f"""
            SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public',
                   unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) v(verb)
            WHERE c.relispartition AND has_table_privilege('{role}', c.oid, verb)
            """,
        )
        assert partitions == [], role
        truncate = rows_of(
            db,
            f"""
            SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public',
                   unnest(ARRAY['TRUNCATE', 'REFERENCES', 'TRIGGER']) v(verb)
            WHERE c.relkind IN ('r', 'p') AND has_table_privilege('{role}', c.oid, verb)
            """,
        )
        assert truncate == [], role  # TRUNCATE asks no policy; a foreign key of one's own would probe
        assert rows_of(db, f"SELECT has_schema_privilege('{role}', 'public', 'CREATE')") == [(False,)], role
    views = rows_of(
        db,
        """
        SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
        WHERE c.relkind IN ('v', 'm', 'f')
        """,
    )
    assert views == []
    definers = rows_of(
        db,
        """
        SELECT DISTINCT p.proname
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace AND n.nspname = 'public'
        JOIN pg_roles r ON r.rolname IN ('pytake_app', 'pytake_auth')
        WHERE p.prosecdef AND has_function_privilege(r.oid, p.oid, 'EXECUTE') AND p.prorettype <> 'trigger'::regtype
        """,
    )
    assert {name for (name,) in definers} == set(DEFINERS)
    paths = rows_of(
        db,
        """
        SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace AND n.nspname = 'public'
        WHERE p.prosecdef AND NOT EXISTS (SELECT 1 FROM unnest(p.proconfig) c WHERE c LIKE 'search_path=%')
        """,
    )
    assert paths == [], "a function that runs as its owner names its search_path"


@pytest.fixture
def two(register: NewCaller, services: Services) -> tuple[UUID, UUID]:
    """Two organizations with at least one row of nearly everything."""
    one, other = register(), register()
    populate(services, one)
    populate(services, other)
    return one.organization_id, other.organization_id


def test_a_query_without_its_scope(two: tuple[UUID, UUID], services: Services) -> None:
    """`select(Model)` and nothing else: one's own rows, all of them; without an organization none."""
    own, other = two
    filled = 0
    for model in tenant_tables():
        table: Any = model.__table__
        with services.database.tenant(own) as session:
            seen = session.execute(select(table.c.organization_id)).scalars().all()
            counted = session.execute(text(f'SELECT count(*) FROM "{table.name}"')).scalar()
        assert set(seen) <= {own}, table.name
        assert counted == len(seen)
        filled += bool(seen)
        with services.database.tenant(other) as session:
            assert set(session.execute(select(table.c.organization_id)).scalars()) <= {other}, table.name
        with Session(services.database.engine("pytake_app")) as session:  # no organization was ever named
            assert session.execute(select(table.c.organization_id)).first() is None, table.name
        for nonsense in ("", str(uuid4())):
            with Session(services.database.engine("pytake_app")) as session:
                session.execute(text("SELECT set_config('app.organization_id', :it, true)"), {"it": nonsense})
                assert session.execute(select(table.c.organization_id)).first() is None, table.name
    assert filled > 40


def test_the_organization_ends_with_the_transaction(two: tuple[UUID, UUID], services: Services) -> None:
    """A pooled connection brings nothing of whom it served before."""
    from pytake_app.contacts.models import Contact

    services.database.engine("pytake_app").dispose()  # of several pooled connections the next one would be another
    with services.database.tenant(two[0]) as session:
        assert session.exec(select(Contact)).first() is not None
        process = session.execute(text("SELECT pg_backend_pid()")).scalar()
    with Session(services.database.engine("pytake_app")) as session:
        assert session.execute(text("SELECT pg_backend_pid()")).scalar() == process
        assert session.exec(select(Contact)).first() is None


def changed(db: Database, own: UUID, statement: str, other: UUID) -> int | str:
    try:
        with db.tenant(own) as session:
            return int(session.execute(text(statement), {"other": other}).rowcount)  # type: ignore[attr-defined]
    except DBAPIError as error:
        said = str(error.orig)
        return "refused" if "permission denied" in said or "append-only" in said else said


def test_writes_into_another_organization_are_refused(two: tuple[UUID, UUID], services: Services) -> None:
    """Over every table: a copy of one's own row under the other's name, a row given away, theirs changed or deleted."""
    own, other = two
    generated: dict[str, set[str]] = defaultdict(set)
    for name, column in rows_of(
        services.database,
        "SELECT attrelid::regclass::text, attname FROM pg_attribute WHERE attgenerated <> '' AND attnum > 0",
    ):
        generated[name].add(column)
    tried = 0
    for model in tenant_tables():
        table: Any = model.__table__
        columns = ", ".join(f'"{column.name}"' for column in table.columns if column.name not in generated[table.name])
        swapped = columns.replace('"organization_id"', ":other", 1)
        with services.database.tenant(own) as session:
            if session.execute(text(f'SELECT 1 FROM "{table.name}" LIMIT 1')).first() is None:
                continue
        tried += 1
        copied = f'INSERT INTO "{table.name}" ({columns}) SELECT {swapped} FROM "{table.name}" LIMIT 1'
        given = f'UPDATE "{table.name}" SET organization_id = :other'
        for statement in (copied, given):
            # The policy answers, or a grant or trigger that allows no write at all; never a constraint, which would
            # tell something of the other's rows.
            with pytest.raises(DBAPIError) as refused, services.database.tenant(own) as session:
                session.execute(text(statement), {"other": other})
            said = str(refused.value.orig)
            assert any(word in said for word in ("row-level security", "permission denied", "append-only")), (
                table.name,
                said,
            )
        for statement in (
            f'UPDATE "{table.name}" SET organization_id = organization_id WHERE organization_id = :other',
            f'DELETE FROM "{table.name}" WHERE organization_id = :other',
        ):
            assert changed(services.database, own, statement, other) in (0, "refused"), table.name
    assert tried > 40


def foreign_keys(db: Database) -> list[tuple[str, str, list[str], str]]:
    """(table, constraint, its columns, the table it names) between tenant tables, the organization's own left out."""
    return [
        (table, name, list(columns), target)
        for table, name, columns, target in rows_of(
            db,
            """
            SELECT c.conrelid::regclass::text, c.conname,
                   (SELECT array_agg(a.attname::text ORDER BY k.at) FROM unnest(c.conkey) WITH ORDINALITY k(number, at)
                    JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.number),
                   c.confrelid::regclass::text
            FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid AND NOT t.relispartition
            WHERE c.contype = 'f' AND c.conparentid = 0 AND c.confrelid <> 'organizations'::regclass
            ORDER BY 1, 2
            """,
        )
    ]


def test_models_are_all_known() -> None:
    """`tenant_tables` sees every model: each has an organization, or is listed."""
    without = [
        mapper.class_.__tablename__
        for mapper in SQLModel._sa_registry.mappers  # type: ignore[attr-defined]
        if "organization_id" not in mapper.columns
    ]
    assert set(without) == OF_NOBODY


def test_what_a_foreign_key_may_name(two: tuple[UUID, UUID], services: Services) -> None:
    """PostgreSQL checks foreign keys without asking policies, so that a row of one's own could name another's thing.

    No request gets so far: each of these columns is tried by `test_named_ids.py` under the name it has in requests, or
    is set by the code. Behind that a trigger refuses it (below), except where the pipeline writes; what such a row
    would show: nothing, what it names stays out of sight.
    """
    known = set(KINDS) | set(SET_BY_THE_CODE)
    columns = {column for _, _, names, _ in foreign_keys(services.database) for column in names}
    assert columns - {"organization_id"} <= known, "say in references.py or above how requests name it"
    own, other = two
    with services.database.tenant(other) as session:
        theirs = session.execute(text("SELECT id FROM contacts LIMIT 1")).scalar()
    with services.database.tenant(own) as session:
        session.execute(text("UPDATE conversations SET contact_id = :theirs"), {"theirs": theirs})
        joined = text("SELECT count(*) FROM conversations c JOIN contacts p ON p.id = c.contact_id")
        assert session.execute(joined).scalar() == 0
        session.rollback()


def test_every_foreign_key_compares_organizations_or_says_why_not(db: Database) -> None:
    compared: dict[str, set[str]] = {}
    for table, arguments in rows_of(
        db,
        """
        SELECT tgrelid::regclass::text, tgargs FROM pg_trigger
        WHERE tgname = 'same_organization' AND tgenabled = 'O' AND tgtype & 4 = 4 AND tgtype & 16 = 16
        """,
    ):
        words = bytes(arguments).decode().split("\0")[:-1]
        compared[table] = set(words[0::3])
    found: dict[str, set[str]] = defaultdict(set)
    for table, _, columns, _ in foreign_keys(db):
        found[table] |= set(columns)
    assert {table: columns for table, columns in found.items() if table not in NOT_COMPARED} == compared
    assert set(NOT_COMPARED) <= set(found)


def test_a_row_names_nothing_of_another_organization(two: tuple[UUID, UUID], services: Services) -> None:
    """Whoever writes it: the organization's own role, and one that sees every organization."""
    own, other = two
    tried = set()
    for table, _, columns, _ in foreign_keys(services.database):
        (column,) = (name for name in columns if name != "organization_id")
        named = f"organization_id = :own AND {column} IS NOT NULL"
        with services.database.tenant(own) as session:
            rows = session.execute(text(f"SELECT 1 FROM {table} WHERE {named} LIMIT 1"), {"own": own}).first()
        if rows is None or table in NOT_COMPARED:
            continue
        tried.add(table)
        # The same row as the other organization's: what it names is still this one's.
        with services.database.system_connection() as connection:
            connection.execute(text("RESET ROLE"))
            connection.execute(text("SET LOCAL row_security = off"))
            with pytest.raises(DBAPIError) as refused:
                connection.execute(
                    text(f"UPDATE {table} SET organization_id = :other WHERE {named}"), {"own": own, "other": other}
                )
            connection.rollback()
        assert "names nothing of its organization" in str(refused.value.orig), (table, column, refused.value.orig)
    assert len(tried) > 15, sorted(tried)
    # By the organization's own role, in the ways it has.
    with services.database.tenant(own) as session:
        mine = session.execute(text("SELECT id FROM departments LIMIT 1")).scalar()
    with services.database.tenant(other) as session:
        theirs = session.execute(text("SELECT id FROM users LIMIT 1")).scalar()
    member = "INSERT INTO department_members (organization_id, department_id, user_id) VALUES (:own, :mine, :theirs)"
    with pytest.raises(DBAPIError) as refused, services.database.tenant(own) as session:
        session.execute(text(member), {"own": own, "mine": mine, "theirs": theirs})
    assert "names nothing of its organization" in str(refused.value.orig)
    with services.database.tenant(own) as session:
        me = session.execute(text("SELECT user_id FROM department_members LIMIT 1")).scalar()
        session.execute(text("DELETE FROM department_members WHERE user_id = :me"), {"me": me})
        session.execute(text(member), {"own": own, "mine": mine, "theirs": me})  # one's own are taken


def test_functions_that_look_with_their_owners_eyes(two: tuple[UUID, UUID], services: Services) -> None:
    """They find one's own and nobody else's; without an organization nothing."""
    for organization in two:
        with services.database.tenant(organization) as session:
            session.execute(text("""UPDATE conversations SET tags = '["vip"]'"""))
            session.execute(
                text(
                    "INSERT INTO message_search (message_id, organization_id, conversation_id, created_at, words)"
                    " SELECT gen_random_uuid(), organization_id, id, now(), to_tsvector('simple', 'segredo')"
                    " FROM conversations"
                )
            )
    for name, query in DEFINERS.items():
        seen = []
        for organization in two:
            with services.database.tenant(organization) as session:
                seen.append({row[0] for row in session.execute(text(query))})
                table = "contacts" if name == "pytake_search_contacts" else "conversations"
                own = set(session.execute(text(f"SELECT id FROM {table}")).scalars())
            assert seen[-1], name
            assert seen[-1] <= own, name
        assert not seen[0] & seen[1]
        with Session(services.database.engine("pytake_app")) as session:
            assert list(session.execute(text(query))) == [], name

"""Month partitions that a wrong clock made far ahead can be dropped; rows that came before their month's move there."""

from collections.abc import Sequence

from alembic import op

revision: str = "0033"
down_revision: str | None = "0032"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

# By their size, not by their rows: row-level security hides those from this function's owner. A partition that was
# never written has no pages.
DROP_PARTITIONS = """
CREATE FUNCTION pytake_drop_partitions(after_month date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '200ms' AS $$
DECLARE
    found record;
    dropped integer := 0;
BEGIN
    FOR found IN
        SELECT c.relname AS name FROM pg_inherits i
        JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
        WHERE p.oid IN ('public.messages'::regclass, 'public.session_steps'::regclass)
          AND c.relname ~ '_p[0-9]{4,}_[0-9]{2}$'
          AND to_date(substring(c.relname FROM '_p([0-9]{4,}_[0-9]{2})$'), 'YYYY_MM') > after_month
        ORDER BY c.relname
    LOOP
        BEGIN
            EXECUTE format('LOCK TABLE public.%I IN ACCESS EXCLUSIVE MODE', found.name);
            IF pg_relation_size(format('public.%I', found.name)::regclass) = 0 THEN
                EXECUTE format('DROP TABLE public.%I', found.name);
                dropped := dropped + 1;
            END IF;
        EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
            RETURN dropped;
        END;
    END LOOP;
    RETURN dropped;
END $$
"""

# What was written before its month was made lies in the default partition, and would be in the month's way.
MAKE_PARTITIONS = """
CREATE OR REPLACE FUNCTION pytake_make_partitions(first_month date, months integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    parent text;
    month date;
    made integer := 0;
    partition text;
    first text;
    last text;
BEGIN
    FOREACH parent IN ARRAY ARRAY['messages', 'session_steps'] LOOP
        FOR i IN 0 .. months - 1 LOOP
            month := date_trunc('month', first_month)::date + make_interval(months => i);
            partition := parent || to_char(month, '"_p"YYYY"_"MM');
            IF to_regclass('public.' || partition) IS NULL THEN
                first := month::text || ' 00:00:00+00';
                last := (month + interval '1 month')::date::text || ' 00:00:00+00';
                BEGIN
                    EXECUTE format('CREATE TABLE public.%I PARTITION OF public.%I FOR VALUES FROM (%L) TO (%L)',
                                   partition, parent, first, last);
                EXCEPTION WHEN check_violation THEN
                    EXECUTE format('CREATE TABLE public.%I (LIKE public.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)',
                                   partition, parent);
                    EXECUTE format('WITH moved AS (DELETE FROM public.%I WHERE created_at >= %L AND created_at < %L
                                    RETURNING *) INSERT INTO public.%I SELECT * FROM moved',
                                   parent || '_default', first, last, partition);
                    EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
                                   parent, partition, first, last);
                END;
                made := made + 1;
            END IF;
        END LOOP;
    END LOOP;
    RETURN made;
END $$
"""


def upgrade() -> None:
    """Make the functions."""
    op.execute(MAKE_PARTITIONS)
    op.execute(DROP_PARTITIONS)
    op.execute("REVOKE ALL ON FUNCTION pytake_drop_partitions(date) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION pytake_drop_partitions(date) TO pytake_system")


def downgrade() -> None:
    """Drop the new one; the other goes on moving rows."""
    op.execute("DROP FUNCTION pytake_drop_partitions(date)")

"""What a message costs PostgreSQL, whatever else the machine does: statements, rows, log volume, updates in place.

Times of a crowded machine say little; these figures are the same on a quiet one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pytake_app.messaging.sql import Connection

SERVER_SETTINGS = {"shared_preload_libraries": "'pg_stat_statements'", "pg_stat_statements.track": "all"}
"""Settings of the embedded server that statement figures need."""

_STATEMENTS = """
SELECT queryid, min(query), sum(calls), sum(total_exec_time), sum(rows), sum(wal_bytes) FROM pg_stat_statements
GROUP BY queryid
"""
_TABLES = """
SELECT relname, n_tup_ins, n_tup_upd, n_tup_hot_upd, n_tup_del FROM pg_stat_user_tables
WHERE n_tup_ins + n_tup_upd + n_tup_del > 0
"""
_SHOWN = 30


@dataclass(slots=True)
class Snapshot:
    """Counters of the server at one moment."""

    wal_bytes: int = 0
    commits: int = 0
    statements: dict[int, tuple[str, float, float, float, float]] = field(default_factory=dict)
    """By id: text, calls, milliseconds, rows, bytes of log."""
    tables: dict[str, tuple[int, int, int, int]] = field(default_factory=dict)
    """Inserted, updated, of them in place, deleted."""

    @classmethod
    def take(cls, connection: Connection) -> Snapshot:
        """Read the counters. The connection must be a superuser's, in autocommit; statements are left out where the
        extension is not loaded."""
        self = cls()
        connection.execute("SELECT pg_stat_force_next_flush()")
        row = connection.execute(
            "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn, "
            "(SELECT xact_commit FROM pg_stat_database WHERE datname = current_database())"
        ).fetchone()
        assert row is not None
        self.wal_bytes, self.commits = int(row[0]), int(row[1])
        loaded = connection.execute(
            "SELECT 1 FROM pg_settings WHERE name = 'shared_preload_libraries' AND setting LIKE '%pg_stat_statements%'"
        ).fetchone()
        if loaded is not None:
            connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
            for number, query, calls, milliseconds, rows, wal in connection.execute(_STATEMENTS).fetchall():
                self.statements[int(number)] = (query, float(calls), float(milliseconds), float(rows), float(wal))
        for name, *counts in connection.execute(_TABLES).fetchall():
            inserted, updated, in_place, deleted = counts
            self.tables[str(name)] = (int(inserted), int(updated), int(in_place), int(deleted))
        return self

    def since(self, before: Snapshot, messages: int) -> dict[str, Any]:
        """Figures a message between two moments."""
        count = max(1, messages)
        tables: dict[str, Any] = {}
        for name, now in sorted(self.tables.items()):
            was = before.tables.get(name, (0, 0, 0, 0))
            inserted, updated, in_place, deleted = (a - b for a, b in zip(now, was, strict=True))
            if inserted + updated + deleted >= count / 100:
                tables[name] = {
                    "inserted": round(inserted / count, 2),
                    "updated": round(updated / count, 2),
                    "in_place": round(in_place / updated, 2) if updated else None,
                    "deleted": round(deleted / count, 2),
                }
        statements = []
        for number, (query, *now_) in self.statements.items():
            earlier = before.statements.get(number, (query, 0.0, 0.0, 0.0, 0.0))[1:]
            calls, milliseconds, rows, wal = (a - b for a, b in zip(now_, earlier, strict=True))
            if calls > 0:
                statements.append((milliseconds, calls, rows, wal, " ".join(query.split())))
        statements.sort(reverse=True)
        return {
            "wal_bytes": round((self.wal_bytes - before.wal_bytes) / count),
            "commits": round((self.commits - before.commits) / count, 3),
            "statement_calls": round(sum(s[1] for s in statements) / count, 2),
            "statement_us": round(sum(s[0] for s in statements) * 1000 / count),
            "tables": tables,
            "statements": [
                {"us": round(ms * 1000 / count, 1), "calls": round(calls / count, 3), "rows": round(rows / count, 2),
                 "wal": round(wal / count), "query": query[:160]}
                for ms, calls, rows, wal, query in statements[:_SHOWN]
            ],
        }  # fmt: skip

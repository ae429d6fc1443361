"""The embedded servers, as real processes: they come up, keep their data, refuse strangers and stop."""

import os
import shutil
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis as redis_package
from sqlalchemy import make_url

from pytake_app.embedded.accounts import can_traverse, identity_for
from pytake_app.embedded.postgres import EmbeddedPostgres, PostgresError
from pytake_app.embedded.process import Identity
from pytake_app.embedded.redis import EmbeddedRedis, find_server
from tests.waiting import wait_until


def _connect(server: EmbeddedPostgres) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(server.url.replace("+psycopg", "", 1))


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory, services_dir: Path) -> Path:
    path = services_dir / "services"
    path.mkdir(mode=0o711)
    return path


@pytest.fixture(scope="module")
def postgres(data_dir: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(data_dir)
    server.start()
    yield server
    server.stop()


def test_postgres_is_unicode_and_durable(postgres: EmbeddedPostgres) -> None:
    with _connect(postgres) as connection:
        row = connection.execute(
            "SELECT upper('ação'), current_setting('synchronous_commit'), current_setting('fsync'),"
            " current_setting('server_encoding'), current_setting('listen_addresses')"
        ).fetchone()
        superuser = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    assert row == ("AÇÃO", "on", "on", "UTF8", "")
    assert superuser == (False,)


def test_postgres_files_belong_to_its_account_alone(postgres: EmbeddedPostgres) -> None:
    info = postgres.cluster.stat()
    assert stat.S_IMODE(info.st_mode) == 0o700
    assert info.st_uid == (postgres.identity.uid if postgres.identity else os.geteuid())
    assert info.st_uid != 0


def test_postgres_keeps_data_over_a_restart_and_a_kill(postgres: EmbeddedPostgres) -> None:
    with _connect(postgres) as connection:
        connection.execute("CREATE TABLE kept (value int)")
        connection.execute("INSERT INTO kept VALUES (1)")
    postgres.stop()
    assert not postgres.answers()
    postgres.start()
    with _connect(postgres) as connection:
        connection.execute("INSERT INTO kept VALUES (2)")
    child = postgres.child
    assert child is not None
    child.kill()
    assert child.returncode == -signal.SIGKILL
    # The orphaned backends of a killed server may hold its memory for a moment.
    wait_until(lambda: _started(postgres), timeout=20, message="PostgreSQL starts after a kill")
    with _connect(postgres) as connection:
        assert connection.execute("SELECT array_agg(value ORDER BY value) FROM kept").fetchone() == ([1, 2],)


def _started(server: EmbeddedPostgres) -> bool:
    try:
        server.start()
    except PostgresError:
        return False
    return True


def test_cluster_of_another_version_is_refused_clearly(services_dir: Path) -> None:
    home = services_dir / "older"
    (home / "postgres").mkdir(parents=True)
    (home / "postgres" / "PG_VERSION").write_text("12\n")
    with pytest.raises(PostgresError, match="made by PostgreSQL 12"):
        EmbeddedPostgres(home).prepare()


def test_interrupted_initdb_is_made_anew(services_dir: Path) -> None:
    home = services_dir / "interrupted"
    half = home / "postgres.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")  # initdb writes it early
    home.chmod(0o711)
    server = EmbeddedPostgres(home, durable=False)
    server.prepare()
    assert (server.cluster / "global").is_dir()
    assert not half.exists()


def test_files_that_are_no_database_are_left_alone(services_dir: Path) -> None:
    home = services_dir / "foreign"
    (home / "postgres").mkdir(parents=True)
    home.chmod(0o711)
    (home / "postgres" / "letter.txt").write_text("dear reader")
    with pytest.raises(PostgresError, match="is no database"):
        EmbeddedPostgres(home).prepare()
    assert (home / "postgres" / "letter.txt").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another account for PostgreSQL")
def test_data_directory_closed_to_the_account_is_kept_elsewhere(services_dir: Path) -> None:
    closed = services_dir / "closed"
    closed.mkdir(mode=0o700)
    server = EmbeddedPostgres(closed / "data", durable=False)
    server.start()
    try:
        link = closed / "data" / "postgres"
        assert link.is_symlink()
        assert can_traverse(link.resolve().parent, server.identity)
        again = EmbeddedPostgres(closed / "data")
        assert again.cluster == server.cluster
        assert again.answers()
    finally:
        server.stop()
        _remove_fallback(server)


def _remove_fallback(server: EmbeddedPostgres) -> None:
    shutil.rmtree(server.cluster.parent)


def test_traversal_respects_the_execute_bits(tmp_path: Path) -> None:
    stranger = Identity("stranger", 54321, 54321)
    inner = tmp_path / "outer" / "inner"
    inner.mkdir(parents=True)
    (tmp_path / "outer").chmod(0o700)
    assert can_traverse(inner, None)
    assert not can_traverse(inner, stranger)
    assert can_traverse(Path("/usr"), stranger)


def test_an_ordinary_account_runs_postgres_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert identity_for(tmp_path) is None


def test_redis_is_private_and_keeps_data(data_dir: Path) -> None:
    server = EmbeddedRedis(data_dir)
    server.start()
    try:
        client = redis_package.Redis.from_url(server.url)
        client.set("kept", "1")
        assert client.config_get("port") == {"port": "0"}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert stat.S_IMODE((data_dir / "redis").stat().st_mode) == 0o700
        server.stop()
        assert not server.answers()
        server.start()
        assert client.get("kept") == b"1"
        client.close()
    finally:
        server.stop()


def test_a_very_long_data_directory_still_works(services_dir: Path) -> None:
    long = services_dir / ("d" * 60) / ("e" * 60)
    long.mkdir(parents=True)
    for folder in (long, long.parent):
        folder.chmod(0o711)
    server = EmbeddedPostgres(long, durable=False)
    redis = EmbeddedRedis(long, durable=False)
    server.start()
    redis.start()
    try:
        assert server.answers()
        assert redis.answers()
        sockets = [
            make_url(server.url).query["host"],
            str(Path(redis.url.split("?")[0].removeprefix("unix://")).parent),
        ]
        assert all(len(str(folder)) < 60 for folder in sockets)
    finally:
        redis.stop()
        server.stop()
    for folder in sockets:
        shutil.rmtree(str(folder))


@pytest.mark.parametrize(("version", "taken"), [("7.0.15", True), ("6.2.1", True), ("5.0.7", False), ("odd", False)])
def test_a_server_of_the_machine_is_used_when_new_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, taken: bool
) -> None:
    program = tmp_path / "redis-server"
    program.write_text(f"#!/bin/sh\necho 'Redis server v={version} sha=00000000:0 malloc=libc bits=64'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    found = find_server()
    assert (found == str(program)) is taken
    assert Path(found).exists()

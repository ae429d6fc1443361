"""Parts of the running product are killed and hindered under load; then the sender's log, the database and Graph's log
must agree. All rounds play on one product: each begins where the one before left it. Longer: `./pytake chaos`."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from pytake_app.chaos.faults import FAULTS
from pytake_app.chaos.rounds import Round, choose, play
from pytake_app.chaos.stage import Stage, stage
from pytake_app.cli import main

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(150)]


@pytest.fixture(scope="module")
def playing() -> Iterator[Stage]:
    """One of each role and two workers, on servers of their own."""
    with stage(rate=50, people=40, seed=5, durable=False, pace=0.4) as made:
        yield made


def go(playing: Stage, *names: str, together: bool = False) -> Round:
    result = play(playing, names, random.Random(7), together=together)
    assert [str(violation) for violation in result.violations] == [], result.line
    assert result.messages > 30
    return result


def test_the_web_role_is_killed_while_webhooks_come_several_times(playing: Stage) -> None:
    result = go(playing, "web", "duplicates", together=True)
    assert result.refused_webhooks[0] > 0, "while it is away nobody answers"


def test_workers_are_killed_while_messages_overtake_each_other(playing: Stage) -> None:
    go(playing, "worker", "reordering", together=True)


def test_the_sender_is_killed_with_requests_under_way(playing: Stage) -> None:
    assert go(playing, "outbox", "graph-swallows", "graph-cuts").refused_calls > 0


def test_the_scheduler_is_killed_and_redis_loses_everything(playing: Stage) -> None:
    go(playing, "scheduler", "redis-emptied", "redis")


def test_postgresql_is_killed_while_statuses_come_in_any_order(playing: Stage) -> None:
    result = go(playing, "postgres", "statuses", together=True)
    assert result.refused_webhooks[503] > 0, "while the database is away the webhook says so"


def test_graph_misbehaves(playing: Stage) -> None:
    result = go(playing, "graph-slow", "graph-429", "graph-silent", "graph-500", "graph-resets", "graph-away")
    assert result.refused_calls > 5


def test_no_room_for_files(playing: Stage) -> None:
    go(playing, "disk-full")
    assert playing.count("SELECT count(*) FROM media_assets WHERE fetch_attempts > 1") > 0


def test_the_clock_is_put_forward_and_back(playing: Stage) -> None:
    go(playing, "clock-forward", "clock-back")
    for shifted in ("> now() + interval '30 minutes'", "< now() - interval '30 minutes'"):
        assert playing.count(f"SELECT count(*) FROM outbox WHERE created_at {shifted}") > 0


def test_two_of_every_role_and_the_first_ones_die(playing: Stage) -> None:
    go(playing, "two-of-each")


def test_a_seed_makes_the_same_choice_again() -> None:
    first, second = ([choose(list(FAULTS), random.Random(3)) for _ in range(1)] for _ in range(2))
    assert first == second
    chooser = random.Random(3)
    chosen = [choose(list(FAULTS), chooser) for _ in range(300)]
    assert {name for names in chosen for name in names} == set(FAULTS)
    for names in chosen:
        assert len({FAULTS[name].outside for name in names}) == len(names), "never two of one side at once"
        assert len(names) == 1 or not any(FAULTS[name].alone for name in names)


def test_the_command_tells_its_faults(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["chaos", "--help"])
    assert ended.value.code == 0
    told = "".join(capsys.readouterr().out.split())
    assert [name for name in FAULTS if name not in told] == []
    with pytest.raises(SystemExit) as ended:
        main(["chaos", "--only", "weather"])
    assert ended.value.code == 2
    assert "no such fault: weather" in capsys.readouterr().err

"""Limits, stale resumes, sessions of other versions, and what a session weighs."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from pytake_app.bench.engine import ANSWERS, flow_of
from pytake_app.engine.compiled import compile_flow
from pytake_app.engine.limits import MAX_CALLS_IN_A_ROW, MAX_VISITS_PER_NODE, MAX_VISITS_PER_SPRINT
from pytake_app.engine.requests import HttpRequest, HttpResult
from pytake_app.engine.runner import resume, start
from pytake_app.engine.session import (
    CancelResume,
    ContactView,
    DelayResume,
    HandoffResume,
    InboundInput,
    MessageResume,
    RequestResume,
    TimeoutResume,
    Trigger,
)
from tests.engine.helpers import NOW, Talk, compiled, context, document

START = {"id": "s", "type": "start"}
ASK = {"id": "q", "type": "question", "config": {"body": "?", "variable": "x"}}


def test_a_flow_without_entry_fails_softly() -> None:
    talk = Talk(compiled([ASK]))
    assert (talk.session.status, talk.codes()) == ("failed", ["no_entry"])


def test_a_trigger_node_of_another_kind_may_be_named() -> None:
    talk = Talk(compiled([START, ASK]), trigger=Trigger(kind="test", node_id="q"))
    assert [s.node_id for s in talk.last.steps] == ["q"]


def test_a_stale_timer_changes_nothing() -> None:
    talk = Talk(compiled([START, ASK], [("s", "next", "q")]))
    before = talk.session
    sprint = talk.give(TimeoutResume(wait_id="an older one"))
    assert sprint.ignored
    assert (sprint.events, sprint.steps, sprint.session) == ([], [], before)


def test_resume_does_not_change_the_given_session() -> None:
    flow = compiled([START, ASK], [("s", "next", "q")])
    ctx = context()
    first = start(flow, Trigger(kind="test"), ctx)
    kept = first.session.model_dump_json()
    second = resume(first.session, flow, MessageResume(message=InboundInput(text="azul")), ctx)
    assert second.session.variables == {"x": "azul"}
    assert first.session.model_dump_json() == kept


def test_a_session_stays_on_its_version() -> None:
    old = compile_flow(_flow("velha"), "f", 1)
    new = compile_flow(_flow("nova"), "f", 2)
    ctx = context({"f": old})
    session = start(old, Trigger(kind="test"), ctx).session
    sprint = resume(session, new, MessageResume(message=InboundInput(text="x")), ctx)
    assert [getattr(e.content, "body", "") for e in sprint.events if e.type == "message_out"] == ["velha"]
    lost = resume(session, new, MessageResume(message=InboundInput(text="x")), context())
    assert lost.session.status == "failed"
    assert "session_mismatch" in [e.code for e in lost.events if e.type == "error_raised"]


def _flow(answer: str):  # type: ignore[no-untyped-def]
    from tests.engine.helpers import document

    nodes = [START, ASK, {"id": "a", "type": "msg_text", "config": {"body": answer}}]
    return document(nodes, [("s", "next", "q"), ("q", "answered", "a")])


def test_large_values_are_refused_not_kept() -> None:
    assignments = [{"name": "y", "value": "{{ x | append: x | append: x }}"}]
    nodes = [START, ASK, {"id": "v", "type": "set_variable", "config": {"assignments": assignments}}]
    talk = Talk(compiled(nodes, [("s", "next", "q"), ("q", "answered", "v")]))
    talk.say("a" * 4_096)
    assert talk.codes() == ["variable_limit"]
    assert set(talk.session.variables) == {"x"}
    assert talk.session.status == "completed"


def test_large_parameters_are_refused() -> None:
    talk = Talk(compiled([START]), trigger=Trigger(kind="api", params={"x": "a" * 10_000}))
    assert talk.codes() == ["variable_limit"]
    assert talk.session.variables == {}


def test_an_ended_session_ignores_everything() -> None:
    talk = Talk(compiled([START]))
    assert talk.session.status == "completed"
    assert talk.say("oi").ignored
    assert talk.give(CancelResume()).ignored


def test_the_step_log_says_what_was_read_and_written() -> None:
    nodes = [START, {"id": "a", "type": "msg_text", "config": {"body": "{{ contact.name }} {{ big }}"}}]
    talk = Talk(compiled(nodes, [("s", "next", "a")]), trigger=Trigger(kind="api", params={"big": "x" * 5_000}))
    reads = talk.last.steps[-1].reads
    assert reads["contact.name"] == "Ana Lima"
    assert len(str(reads["big"])) == 200


def test_a_run_of_30_nodes_stays_small() -> None:
    talk = Talk(compile_flow(flow_of(30), "f", 1), trigger=Trigger(kind="api"))
    turn = 0
    while talk.session.wait is not None:
        assert len(talk.session.model_dump_json()) <= 8_192
        talk.say(ANSWERS[turn % len(ANSWERS)])
        turn += 1
    assert talk.session.status == "completed"
    assert talk.session.visits >= 25


@pytest.mark.parametrize("seed", ["0", "1", "4242"])
def test_another_process_gives_the_same_bytes(seed: str) -> None:
    """Hash randomisation, the only hidden input of a Python process, doesn't show."""
    script = (
        "import json, sys\n"
        "from tests.engine.test_cases import CASES, play\n"
        "from pytake_app.engine.document import parse_document\n"
        "from pytake_app.engine.verify import verify\n"
        "out = []\n"
        "for path in sorted(CASES.glob('*.json')):\n"
        "    for case in json.loads(path.read_text())['cases']:\n"
        "        out.append(play(case))\n"
        "        out.append([f.model_dump(mode='json') for f in verify(parse_document(case['document']))])\n"
        "print(json.dumps(out))\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True)
    reference = _reference()
    assert json.loads(done.stdout) == reference


def _reference() -> list[object]:
    from pytake_app.engine.document import parse_document
    from pytake_app.engine.verify import verify
    from tests.engine.test_cases import CASES, play

    out: list[object] = []
    for path in sorted(CASES.glob("*.json")):
        for case in json.loads(path.read_text())["cases"]:
            out.append(play(case))
            out.append([f.model_dump(mode="json") for f in verify(parse_document(case["document"]))])
    return out


def test_calls_in_a_circle_end_the_session() -> None:
    flow = compiled(
        [{"id": "go", "type": "start"}, {"id": "x", "type": "api_call", "config": {"url": "https://a.example"}}],
        [("go", "next", "x"), ("x", "success", "x")],
    )
    talk = Talk(flow)
    for _ in range(40):
        if talk.session.wait is None:
            break
        talk.give(RequestResume(request_id=talk.session.wait.id, result=HttpResult(status=200)))
    assert talk.session.status == "failed"
    assert talk.codes() == ["loop_limit"]


def test_a_contact_can_not_name_a_secret() -> None:
    config = {
        "method": "POST", "url": "https://a.example", "body_type": "json",
        "body": '{"said": "{{ message.text }}", "key": "{{ secret.KEY }}"}',
        "headers": [{"name": "X", "value": "{{ message.text }}{{ secret['KEY'] }}"}],
    }  # fmt: skip
    flow = compiled(
        [{"id": "go", "type": "start"}, {"id": "x", "type": "api_call", "config": config}], [("go", "next", "x")]
    )
    text = '{{ secret.KEY }}", "admin": true, "x": "\r\nX-Evil: 1'
    trigger = Trigger(kind="universal", message=InboundInput(text=text))
    (made,) = [e for e in Talk(flow, trigger=trigger).last.events if e.type == "request_made"]
    assert isinstance(made.request, HttpRequest)
    assert [part.secret for part in made.request.body if part.secret] == ["KEY"]
    whole = "".join(part.text if part.secret is None else "S" for part in made.request.body)
    assert json.loads(whole) == {"said": text, "key": "S"}
    assert all(part.secret is None and "\n" not in part.text for part in made.request.headers[0].value)


def test_sub_flows_get_no_secret_in_ordinary_texts() -> None:
    flow = compiled(
        [{"id": "go", "type": "start"}, {"id": "x", "type": "msg_text", "config": {"body": "[{{ secret.KEY }}]"}}],
        [("go", "next", "x")],
    )
    assert Talk(flow).bodies() == ["[]"]


def _ring(size: int) -> tuple[list[dict[str, object]], list[tuple[str, str, str]]]:
    nodes: list[dict[str, object]] = [START]
    for i in range(size):
        row = {"target": "session", "name": "x", "value": str(i)}
        nodes.append({"id": f"n{i}", "type": "set_variable", "config": {"assignments": [row]}})
    legs = [(f"n{i}", "next", f"n{(i + 1) % size}") for i in range(size)]
    return nodes, [("s", "next", "n0"), *legs]


@pytest.mark.parametrize(("size", "code", "node"), [(2, "loop_limit", "n0"), (50, "visit_limit", "n49")])
def test_a_circle_without_a_wait_is_stopped(size: int, code: str, node: str) -> None:
    """A small circle by the visits of one node, a large one by those of the sprint."""
    talk = Talk(compiled(*_ring(size)))
    assert (talk.session.status, talk.session.outcome, talk.codes()) == ("failed", code, [code])
    steps = talk.last.steps
    most = MAX_VISITS_PER_NODE if code == "loop_limit" else 0
    assert len(steps) == (1 + size * most if most else MAX_VISITS_PER_SPRINT)
    assert talk.session.current_node == node


@pytest.mark.parametrize("between", ["message", "delay"])
def test_calls_between_waits_are_not_counted_together(between: str) -> None:
    config = {"amount": 1, "unit": "minutes"} if between == "delay" else {"body": "?", "variable": "x"}
    pause = {"id": "w", "type": "delay" if between == "delay" else "question", "config": config}
    call = {"id": "x", "type": "api_call", "config": {"url": "https://a.example"}}
    port = "next" if between == "delay" else "answered"
    talk = Talk(compiled([START, call, pause], [("s", "next", "x"), ("x", "success", "w"), ("w", port, "x")]))
    for _ in range(MAX_CALLS_IN_A_ROW + 5):
        assert talk.session.wait is not None
        talk.give(RequestResume(request_id=talk.session.wait.id, result=HttpResult(status=200)))
        assert talk.session.wait is not None
        if between == "delay":
            talk.give(DelayResume(wait_id=talk.session.wait.id))
        else:
            talk.say("ok")
    assert talk.session.status == "waiting"
    assert talk.session.wait is not None
    assert talk.session.wait.kind == "request"


def test_what_became_of_a_hand_off_wakes_nothing_else() -> None:
    talk = Talk(compiled([START, ASK], [("s", "next", "q")]))
    assert talk.session.wait is not None
    assert talk.give(HandoffResume(wait_id=talk.session.wait.id, result="closed")).ignored
    assert talk.give(DelayResume(wait_id=talk.session.wait.id)).ignored


def test_the_flows_expiry_is_told_from_the_questions_own_time() -> None:
    edges = [("s", "next", "q"), ("q", "timeout", "t")]
    late = {"id": "t", "type": "msg_text", "config": {"body": "tarde"}}
    for own, expiry, why in ((None, True, "the flow's expiry passed"), (5, False, "no answer in time")):
        ask = {**ASK, "config": {"body": "?", "timeout_minutes": own}}
        talk = Talk(compiled([START, ask, late], edges, settings={"expiry_minutes": 30}))
        wait = talk.session.wait
        assert wait is not None
        assert wait.timeout_at is not None
        minutes = (wait.timeout_at - NOW).total_seconds() / 60
        assert (wait.expiry, minutes) == (expiry, own or 30)
        talk.give(TimeoutResume(wait_id=wait.id))
        assert (talk.last.steps[0].why, talk.bodies()) == (why, ["tarde"])


@pytest.mark.parametrize("outer", ["empty", "error"])
def test_each_flow_has_its_own_word_on_unknown_variables(outer: str) -> None:
    """A called flow goes by its own setting, and its caller by its own again afterwards."""
    say = {"id": "m", "type": "msg_text", "config": {"body": "[{{ nowhere }}]"}}
    inner = compile_flow(
        document([START, say], [("s", "next", "m")], settings={"undefined": "empty" if outer == "error" else "error"}),
        "sub", 1,
    )  # fmt: skip
    call = {"id": "j", "type": "jump", "config": {"flow": "sub", "mode": "call"}}
    main = compiled([START, call, say], [("s", "next", "j"), ("j", "next", "m")], settings={"undefined": outer})
    talk = Talk(main, context({"sub": inner, "f": main}))
    assert talk.bodies() == ["[]", "[]"]
    errors = [(e.node_id, e.code) for e in talk.last.events if e.type == "error_raised"]
    assert errors == [("m", "undefined_variable")]
    flows = [e.flow_id if e.type == "flow_entered" else e.code
             for e in talk.last.events if e.type in ("flow_entered", "error_raised")]  # fmt: skip
    assert flows == (["f", "sub", "f", "undefined_variable"] if outer == "error" else
                     ["f", "sub", "undefined_variable", "f"])  # fmt: skip


def test_a_split_goes_by_weight_and_a_sticky_one_by_contact() -> None:
    branches = [{"id": "a", "label": "A", "weight": 80}, {"id": "b", "label": "B", "weight": 20}]

    def drawn(contact: str, session: str, *, sticky: bool) -> str | None:
        node = {"id": "n", "type": "random_split", "config": {"branches": branches, "sticky": sticky}}
        flow = compiled([START, node], [("s", "next", "n")])
        ctx = context(contact=ContactView(id=contact), new_id=lambda: session)
        return start(flow, Trigger(kind="test"), ctx).steps[-1].port

    people = [f"contact-{i}" for i in range(400)]
    for person in people[:40]:
        assert len({drawn(person, f"session-{i}", sticky=True) for i in range(4)}) == 1
    assert len({drawn(people[0], f"session-{i}", sticky=False) for i in range(40)}) == 2
    share = sum(drawn(person, "one", sticky=True) == "branch:a" for person in people) / len(people)
    assert 0.74 < share < 0.86


def test_refused_answers_are_counted_even_within_one_moment() -> None:
    ask = {**ASK, "config": {"body": "?", "variable": "x", "kind": "number", "max_attempts": 3, "timeout_minutes": 5}}
    talk = Talk(compiled([START, ask], [("s", "next", "q")]))
    for attempts in (1, 2):
        talk.say("nenhum")
        assert talk.session.wait is not None
        assert talk.session.wait.attempts == attempts
    talk.say("nenhum")
    assert (talk.session.status, talk.session.outcome) == ("completed", "invalid_answer")


@pytest.mark.parametrize(("opens", "closes", "port"), [("12:00", "13:00", "open"), ("11:00", "12:00", "closed")])
def test_hours_begin_with_their_first_minute_and_end_before_their_last(opens: str, closes: str, port: str) -> None:
    periods = [{"days": [5], "opens": opens, "closes": closes}]
    node = {"id": "h", "type": "business_hours", "config": {"periods": periods, "timezone": "America/Sao_Paulo"}}
    assert Talk(compiled([START, node], [("s", "next", "h")])).last.steps[-1].port == port


@pytest.mark.parametrize(("holiday", "port"), [("2026-11-20", "closed"), ("11-21", "open")])
def test_past_midnight_counts_the_evening_before_unless_that_was_a_holiday(holiday: str, port: str) -> None:
    config = {
        "periods": [{"days": [4], "opens": "22:00", "closes": "13:00"}],
        "holidays": [holiday],
        "timezone": "America/Sao_Paulo",
    }
    node = {"id": "h", "type": "business_hours", "config": config}
    assert Talk(compiled([START, node], [("s", "next", "h")])).last.steps[-1].port == port


def test_variables_of_the_caller_are_not_seen_through_the_session_either() -> None:
    def say(body: str) -> dict[str, object]:
        return {"id": "m", "type": "msg_text", "config": {"body": body}}

    sub = compile_flow(document([START, say("[{{ session.mine }}]")], [("s", "next", "m")]), "sub", 1)
    call = {"id": "j", "type": "jump", "config": {"flow": "sub", "mode": "call", "scope": "own"}}
    nodes = [START, {**say("{{ session.mine }}"), "id": "first"}, call, say("{{ session.mine }}")]
    main = compiled(nodes, [("s", "next", "first"), ("first", "next", "j"), ("j", "next", "m")])
    talk = Talk(main, context({"sub": sub, "f": main}), Trigger(kind="test", params={"mine": "meu"}))
    assert talk.bodies() == ["meu", "[]", "meu"]

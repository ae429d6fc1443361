"""Global keywords in called flows and in delays; what splits draw; holidays; what a contact's own fields take."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from pytake_app.engine.analysis.paths import paths
from pytake_app.engine.compiled import CompiledFlow, compile_flow
from pytake_app.engine.runner import breaks_off
from pytake_app.engine.session import ContactView, DelayResume, InboundInput
from tests.engine.helpers import Talk, compiled, context, document

START: dict[str, Any] = {"id": "s", "type": "start"}
ASK: dict[str, Any] = {"id": "q", "type": "question", "config": {"body": "?", "variable": "x"}}
MENU = {"id": "m", "type": "msg_buttons", "config": {"body": "Menu", "buttons": [{"id": "go", "title": "Ir"}]}}


def calling(scope: str = "shared", **settings: Any) -> tuple[dict[str, CompiledFlow], CompiledFlow]:
    """A menu that calls a flow which calls another one, which asks."""
    inner = compile_flow(document([START, ASK], [("s", "next", "q")], settings=settings.pop("inner", {})), "inner", 1)
    call = {"id": "j", "type": "jump", "config": {"flow": "inner", "mode": "call", "scope": scope}}
    middle = compile_flow(document([START, call], [("s", "next", "j")]), "middle", 1)
    enter = {"id": "j", "type": "jump", "config": {"flow": "middle", "mode": "call", "scope": scope}}
    keep = {"id": "k", "type": "set_variable",
            "config": {"assignments": [{"target": "session", "name": "mine", "value": "{{ mine }}+"}]}}  # fmt: skip
    edges = [("s", "next", "k"), ("k", "next", "m"), ("m", "option:go", "j")]
    main = compile_flow(document([START, keep, MENU, enter], edges, settings=settings), "main", 1)
    return {"inner": inner, "middle": middle, "main": main}, main


def test_the_callers_words_end_the_session_from_within_a_called_flow() -> None:
    flows, main = calling(interrupt_keywords=["Cancelar"])
    talk = Talk(main, context(flows))
    talk.say("ir")
    assert talk.session.flow_id == "inner"
    talk.say("cancelar!")
    assert (talk.session.status, talk.session.outcome) == ("interrupted", "keyword:Cancelar")
    assert talk.session.stack == []


@pytest.mark.parametrize("scope", ["shared", "own"])
def test_the_callers_words_bring_it_back_to_its_beginning(scope: str) -> None:
    flows, main = calling(scope, restart_keywords=["menu"])
    talk = Talk(main, context(flows))
    talk.say("ir")
    talk.say("Menu")
    assert talk.bodies() == ["Menu"]
    assert (talk.session.flow_id, talk.session.stack, talk.session.variables["mine"]) == ("main", [], "++")
    assert "x" not in talk.session.variables


def test_the_flows_own_words_come_before_the_callers() -> None:
    flows, main = calling(interrupt_keywords=["menu"], inner={"restart_keywords": ["menu"]})
    talk = Talk(main, context(flows))
    talk.say("ir")
    talk.say("menu")
    assert (talk.session.flow_id, talk.session.status, talk.bodies()) == ("inner", "waiting", ["?"])


def test_after_going_to_another_flow_its_words_count_and_its_callers() -> None:
    """Who goes and doesn't return has left: the flow gone from is over; whoever waits for a return isn't."""
    last = document([START, ASK], [("s", "next", "q")], settings={"interrupt_keywords": ["fim"]})
    go = {"id": "j", "type": "jump", "config": {"flow": "last", "mode": "go"}}
    left = document([START, go], [("s", "next", "j")], settings={"interrupt_keywords": ["sair daqui"]})
    call = {"id": "j", "type": "jump", "config": {"flow": "left", "mode": "call"}}
    main = document([START, call], [("s", "next", "j")], settings={"interrupt_keywords": ["casa"]})
    flows = {name: compile_flow(given, name, 1) for name, given in (("last", last), ("left", left), ("main", main))}
    heard = {}
    for word in ("sair daqui", "fim", "casa"):
        talk = Talk(flows["main"], context(flows))
        assert talk.session.flow_id == "last"
        talk.say(word)
        heard[word] = talk.session.status
    assert heard == {"sair daqui": "completed", "fim": "interrupted", "casa": "interrupted"}


def test_a_delay_hears_global_keywords_only() -> None:
    later = {"id": "d", "type": "delay", "config": {"amount": 30, "unit": "days"}}
    settings = {"interrupt_keywords": ["cancelar"], "restart_keywords": ["de novo"]}
    flow = compiled([START, ASK, later], [("s", "next", "q"), ("q", "answered", "d")], settings=settings)
    talk = Talk(flow)
    talk.say("Ana")
    waiting = talk.session
    assert talk.say("oi").ignored
    assert talk.session is not waiting
    assert talk.session == waiting
    assert [breaks_off(waiting, flow, InboundInput(text=t), talk.ctx) for t in ("oi", "cancelar")] == [False, True]
    talk.say("de novo")
    assert (talk.bodies(), talk.session.current_node) == (["?"], "q")
    assert waiting.wait is not None
    assert talk.give(DelayResume(wait_id=waiting.wait.id)).ignored
    talk.say("Bia")
    assert talk.say("Cancelar").session.status == "interrupted"


def drawing(*ids: str, sticky: bool = True) -> CompiledFlow:
    """Splits one after the other; what each drew is kept in a variable of its name."""
    branches = [{"id": "a", "label": "A", "weight": 50}, {"id": "b", "label": "B", "weight": 50}]
    nodes, edges, before = [START], [], [("s", "next")]
    for key in ids:
        nodes.append({"id": key, "type": "random_split", "config": {"branches": branches, "sticky": sticky}})
        edges += [(source, port, key) for source, port in before]
        before = []
        for branch in "ab":
            kept = {"assignments": [{"target": "session", "name": key, "value": branch}]}
            nodes.append({"id": f"{key}-{branch}", "type": "set_variable", "config": kept})
            edges.append((key, f"branch:{branch}", f"{key}-{branch}"))
            before.append((f"{key}-{branch}", "next"))
    return compiled(nodes, edges)


def test_two_tests_of_one_flow_are_independent() -> None:
    flow = drawing("one", "two")
    drawn = Counter(
        tuple(Talk(flow, context(contact=ContactView(id=f"contact-{n}"))).session.variables.values())
        for n in range(400)
    )
    assert all(drawn[first, second] > 60 for first in "ab" for second in "ab"), drawn


def test_a_split_that_is_not_sticky_draws_at_every_visit() -> None:
    wait = {"id": "w", "type": "wait_for_reply", "config": {}}
    branches = [{"id": "a", "label": "A", "weight": 50}, {"id": "b", "label": "B", "weight": 50}]
    split = {"id": "r", "type": "random_split", "config": {"branches": branches, "sticky": False}}
    ways = [("s", "next", "r"), ("r", "branch:a", "w"), ("r", "branch:b", "w"), ("w", "replied", "r")]
    talk = Talk(compiled([START, split, wait], ways))
    drawn = Counter(step.port for n in range(30) for step in talk.say(str(n)).steps if step.node_id == "r")
    assert set(drawn) == {"branch:a", "branch:b"}


@pytest.mark.parametrize("sticky", [True, False])
def test_every_way_through_two_splits_has_a_conversation(sticky: bool) -> None:
    branches = [{"id": "a", "label": "A", "weight": 50}, {"id": "b", "label": "B", "weight": 50}]
    nodes = [START, ASK, *({"id": key, "type": "random_split", "config": {"branches": branches, "sticky": sticky}}
                           for key in ("one", "two")), {"id": "e", "type": "end"}]  # fmt: skip
    edges = [("s", "next", "one"), ("one", "branch:a", "q"), ("one", "branch:b", "q"), ("q", "answered", "two"),
             ("two", "branch:a", "e"), ("two", "branch:b", "e")]  # fmt: skip
    report = paths(document(nodes, edges))
    drawn = {tuple(step.port for step in path.steps if step.port and "branch" in step.port) for path in report.paths
             if path.conversation is not None}  # fmt: skip
    assert {ports for ports in drawn if len(ports) == 2} == {
        (f"branch:{first}", f"branch:{second}") for first in "ab" for second in "ab"
    }


@pytest.mark.parametrize(("holiday", "port"), [("2026-11-20", "closed"), ("11-20", "closed"), ("2026-11-21", "open")])
def test_a_night_shift_that_begins_on_a_holiday_is_off(holiday: str, port: str) -> None:
    periods = [{"days": [4], "opens": "22:00", "closes": "04:00"}]
    hours = {"periods": periods, "holidays": [holiday], "timezone": "America/Sao_Paulo"}
    flow = compiled([START, {"id": "h", "type": "business_hours", "config": hours}], [("s", "next", "h")])
    saturday_at_two = datetime(2026, 11, 21, 5, 0, tzinfo=UTC)
    assert Talk(flow, context(now=saturday_at_two)).last.steps[-1].port == port


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("lead_score", "+5", 15),
        ("lead_score", "muito", None),
        ("lead_score", "99999999999", 1_000_000),
        ("opted_in", "false", False),
        ("opted_in", "sim", True),
        ("name", "{{ message }}", '{"type": "text",'),
        ("name", "{{ long }}", "x" * 200),
        ("city", "Recife", "Recife"),
    ],
)
@pytest.mark.parametrize("node_type", ["set_variable", "update_contact"])
def test_fields_of_a_contact_take_what_they_can_hold(node_type: str, name: str, value: str, kept: Any) -> None:
    row = {"target": "contact", "name": name, "value": value} if node_type == "set_variable" else \
          {"field": name, "value": value}  # fmt: skip
    many = {"assignments": [{"target": "session", "name": "long", "value": "x" * 3_000}]}
    config = {"assignments" if node_type == "set_variable" else "fields": [row]}
    nodes = [
        START,
        {"id": "l", "type": "set_variable", "config": many},
        {"id": "u", "type": node_type, "config": config},
    ]
    flow = compiled(nodes, [("s", "next", "l"), ("l", "next", "u")])
    talk = Talk(flow, context(contact=ContactView(id="c", lead_score=10)))
    found = [event.value for event in talk.last.events if event.type == "contact_field_set"]
    if kept is None:
        assert (found, talk.codes()) == ([], ["invalid_value"])
    elif isinstance(kept, str):
        assert len(found) == 1
        assert str(found[0]).startswith(kept)
        assert len(str(found[0])) <= 200
    else:
        assert found == [kept]

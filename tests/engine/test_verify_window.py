"""The service window: messages that may be sent when it is closed, with the path and the time."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from pytake_app.engine.findings import ChannelFacts, Finding, VerifyEnv
from tests.engine.flows import (
    ask,
    coded,
    delay,
    end,
    env_with,
    found,
    jump,
    menu,
    one,
    start,
    template,
    text,
    window,
)
from tests.engine.helpers import document

CODES = {"window_closed", "window_may_close", "window_unbounded", "window_in_flow"}


def line(*nodes: dict[str, Any], ports: dict[str, str] | None = None) -> tuple[list[Any], list[tuple[str, str, str]]]:
    """Nodes one after another, left by ``next`` unless ``ports`` says otherwise."""
    pairs = pairwise(nodes)
    return list(nodes), [(a["id"], (ports or {}).get(a["id"], "next"), b["id"]) for a, b in pairs]


def late(findings: list[Finding]) -> list[tuple[str, str | None]]:
    return [(f.code, f.node_id) for f in findings if f.code in CODES]


def test_a_delay_of_a_day_closes_it() -> None:
    finding = one(found(*line(start(), delay("d", 25), text("say"), end())), "window_may_close")
    assert (finding.severity, finding.node_id, finding.path) == ("warning", "say", ["s", "d", "say"])
    assert finding.params["hours"] == 25
    assert late(found(*line(start(), delay("d", 23), text("say"), end()))) == []


def test_waits_add_up_until_the_contact_answers() -> None:
    ports = {"q": "timeout"}
    nodes, edges = line(start(), delay("d", 20), ask("q", "x", timeout_minutes=300), text("say"), end(), ports=ports)
    edges.append(("q", "answered", "other"))
    findings = found([*nodes, text("other")], edges)
    assert late(findings) == [("window_may_close", "say")]
    assert one(findings, "window_may_close").path == ["s", "d", "q", "say"]


def test_the_flows_expiry_is_a_timeout_too() -> None:
    nodes, edges = line(start(), menu("m"), text("say"), end(), ports={"m": "timeout"})
    edges += [("m", "option:a", "end"), ("m", "option:b", "end")]
    assert late(found(nodes, edges)) == []
    assert late(found(nodes, edges, settings={"expiry_minutes": 1441})) == [("window_may_close", "say")]


def test_a_template_does_not_open_it_but_the_answer_does() -> None:
    assert late(found(*line(start(), delay("d", 30), template(), end()))) == []
    assert late(found(*line(start(), delay("d", 30), template(), text("say"), end()))) == [("window_may_close", "say")]
    wait = {"id": "r", "type": "wait_for_reply"}
    after = line(start(), delay("d", 30), template(), wait, text("say"), end(), ports={"r": "replied"})
    assert late(found(*after)) == []
    pressed = template(buttons=[{"id": "a", "title": "Sim"}])
    nodes, edges = line(start(), delay("d", 30), pressed, text("say"), end(), ports={"t": "option:a"})
    assert late(found(nodes, [*edges, ("t", "next", "say")])) == []


def test_a_check_is_understood() -> None:
    nodes, edges = line(start(), delay("d", 30), window(), text("say"), end(), ports={"w": "open"})
    nodes += [template(), text("then")]
    edges += [("w", "closed", "t"), ("t", "next", "end")]
    assert late(found(nodes, edges)) == []
    findings = found(nodes, [*edges[:-1], ("t", "next", "then"), ("then", "next", "end")])
    assert late(findings) == [("window_closed", "then")]
    assert one(findings, "window_closed").severity == "error"
    assert one(findings, "window_closed").path == ["w", "t", "then"]


def test_what_is_checked_may_close_again() -> None:
    nodes, edges = line(start(), delay("d", 30), window(), delay("d2", 1), text("say"), end(), ports={"w": "open"})
    findings = found(nodes, [*edges, ("w", "closed", "end")])
    assert late(findings) == [("window_may_close", "say")]
    soon, edges = line(start(), window(), delay("d2", 1), text("say"), end(), ports={"w": "open"})
    assert late(found(soon, [*edges, ("w", "closed", "end")])) == []


def test_closed_for_certain_only_when_every_way_is() -> None:
    nodes = [start(), window(), text("say"), end()]
    edges = [("s", "next", "w"), ("w", "open", "say"), ("w", "closed", "say"), ("say", "next", "end")]
    assert late(found(nodes, edges)) == [("window_unbounded", "say")]


def test_a_circle_of_delays_has_no_bound() -> None:
    nodes = [start(), delay("d", 1), text("say"), end()]
    edges = [("s", "next", "d"), ("d", "next", "say"), ("say", "next", "d")]
    finding = one(found(nodes, edges), "window_unbounded")
    assert finding.node_id == "say"
    checked = [start(), delay("d", 1), window(), text("say"), end()]
    ways = [("s", "next", "d"), ("d", "next", "w"), ("w", "open", "say"), ("w", "closed", "end"), ("say", "next", "d")]
    assert late(found(checked, ways)) == []


@pytest.mark.parametrize(("minutes", "warned"), [(60, []), (1440, [("window_may_close", "say")]),
                                                 (None, [("window_unbounded", "say")])])  # fmt: skip
def test_waiting_for_people(minutes: int | None, warned: list[tuple[str, str]]) -> None:
    config = {"queue_name": "Fila", **({"wait_timeout_minutes": minutes} if minutes else {})}
    transfer = {"id": "h", "type": "action_transfer_to_queue", "config": config}
    assert late(found(*line(start(), transfer, text("say"), end(), ports={"h": "timeout"}))) == warned


def test_the_fallback_message_of_a_queue() -> None:
    config = {"queue_name": "Fila", "fallback_action": "message", "fallback_message": "Desculpe"}
    transfer = {"id": "h", "type": "action_transfer_to_queue", "config": {**config, "wait_timeout_minutes": 2000}}
    assert late(found(*line(start(), transfer))) == [("window_may_close", "h")]


@pytest.mark.parametrize(
    ("trigger", "config", "warned"),
    [
        ("trigger_schedule", {"cron": "0 9 * * *", "audience": "all"}, True),
        ("trigger_event", {"event": "contact_created"}, True),
        ("trigger_event", {"event": "campaign_replied"}, False),
        ("trigger_keyword", {"words": ["oi"]}, False),
        ("start", {}, False),
    ],
)
def test_triggers_that_fire_without_a_message(trigger: str, config: dict[str, Any], warned: bool) -> None:
    first = {"id": "s", "type": trigger, "config": config}
    assert bool(late(found(*line(first, text("say"), end())))) is warned
    assert late(found(*line(first, template(), end()))) == []


def test_a_start_that_is_entered_cold() -> None:
    nodes, edges = line({"id": "s", "type": "start"}, text("say"), end())
    assert late(found(nodes, edges, VerifyEnv(cold_start=True))) == [("window_unbounded", "say")]


def test_channels_without_a_window() -> None:
    flow = line(start(), delay("d", 30), text("say"), end())
    telegram = ChannelFacts(channel="telegram")
    whatsapp = ChannelFacts(channel="whatsapp", service_window_hours=24)
    assert late(found(*flow, VerifyEnv(channels=(telegram,)))) == []
    assert late(found(*flow, VerifyEnv(channels=(telegram, whatsapp)))) == [("window_may_close", "say")]


def test_time_goes_on_in_a_called_flow() -> None:
    slow = document(*line(start(), delay("d", 30), end()))
    asks = document(*line(start(), delay("d", 30), template(), ask("q", "x"), end(), ports={"q": "answered"}))
    flow = line(start(), jump("j", "sub", "call"), text("say"), end())
    assert late(found(*flow, env_with({"sub": slow}))) == [("window_may_close", "say")]
    assert "window_may_close" not in {f.code for f in found(*flow, env_with({"sub": asks})) if f.node_id == "say"}
    quick = document(*line(start(), text("a"), end()))
    assert late(found(*flow, env_with({"sub": quick}))) == []


def test_a_flow_that_is_entered_late() -> None:
    sub = document(*line(start(), text("say"), end()))
    flow = line(start(), delay("d", 30), jump("j", "sub"))
    finding = one(found(*flow, env_with({"sub": sub})), "window_in_flow")
    assert (finding.node_id, finding.params["flow"]) == ("j", "sub")
    careful = document(*line(start(), template(), end()))
    assert not coded(found(*flow, env_with({"sub": careful})), "window_in_flow")

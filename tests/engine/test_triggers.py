"""Which trigger answers, and which words stop everything."""

from __future__ import annotations

import time
from itertools import permutations

import pytest

from pytake_app.engine.document import parse_document
from pytake_app.engine.session import InboundInput
from pytake_app.engine.triggers import (
    MatchType,
    TriggerCandidate,
    TriggerSpec,
    flow_triggers,
    is_opt_out,
    match_template_reply,
    match_triggers,
    match_universal,
    matches_interrupt,
)


def keyword(flow: str, words: list[str], match_type: MatchType = "exact", priority: int = 0) -> TriggerCandidate:
    spec = TriggerSpec(node_id="k", kind="keyword", words=words, match_type=match_type, priority=priority)
    return TriggerCandidate(flow_id=flow, spec=spec)


@pytest.mark.parametrize(
    ("text", "word", "match_type", "expected"),
    [
        ("Promoção!", "promocao", "exact", True),
        ("  PROMOCAO ", "promoção", "exact", True),
        ("promoção hoje", "promoção", "exact", False),
        ("tem promoção hoje?", "promocao", "contains", True),
        ("autopromoção", "promoção", "contains", False),
        ("quero ver o cardápio do dia", "cardapio do dia", "contains", True),
        ("Quero comprar", "quero", "starts_with", True),
        ("queroo", "quero", "starts_with", False),
        ("eu quero", "quero", "starts_with", False),
        ("pedido 123", r"pedido \d+", "regex", True),
        ("Código ABC", "código [a-z]{3}", "regex", True),
        ("pedido", r"pedido \d+", "regex", False),
        ("oi", "(", "regex", False),
        ("👍", "👍", "exact", True),
        ("", "oi", "exact", False),
    ],
)
def test_matching(text: str, word: str, match_type: MatchType, expected: bool) -> None:
    assert (match_triggers(text, [keyword("f", [word], match_type)]) is not None) == expected


def test_priority_then_longest_then_kind_whatever_the_order() -> None:
    candidates = [
        keyword("a", ["promo"], "contains", priority=0),
        keyword("b", ["promo de natal"], "contains", priority=0),
        keyword("c", ["promo de natal"], "exact", priority=0),
        keyword("d", ["natal"], "contains", priority=5),
    ]
    for order in permutations(candidates):
        winner = match_triggers("promo de Natal", order)
        assert winner is not None
        assert winner.flow_id == "d"
        rest = [c for c in order if c.flow_id != "d"]
        assert getattr(match_triggers("promo de Natal", rest), "flow_id", "") == "c"
        assert getattr(match_triggers("a promo de natal", rest), "flow_id", "") == "b"
        assert getattr(match_triggers("uma promo", rest), "flow_id", "") == "a"


def test_a_hostile_pattern_is_linear() -> None:
    began = time.perf_counter()
    assert match_triggers("a" * 4_000 + "!", [keyword("f", ["(a+)+$"], "regex")]) is None
    assert time.perf_counter() - began < 1


def test_template_replies() -> None:
    named = TriggerCandidate(
        flow_id="named", spec=TriggerSpec(node_id="t", kind="template", template_name="ola", buttons=["yes", "Sim"])
    )
    plain = TriggerCandidate(flow_id="plain", spec=TriggerSpec(node_id="t", kind="template", template_name="ola"))
    pressed = InboundInput(type="button", text="Sim", selection_id="Sim")
    typed = InboundInput(text="sim")
    assert getattr(match_template_reply(pressed, "ola", [plain, named]), "flow_id", "") == "named"
    assert getattr(match_template_reply(typed, "ola", [plain]), "flow_id", "") == "plain"
    assert getattr(match_template_reply(pressed, None, [plain, named]), "flow_id", "") == "named"
    assert match_template_reply(typed, None, [plain, named]) is None
    assert match_template_reply(pressed, "outra", [plain, named]) is None


def test_the_triggers_of_a_document() -> None:
    document = parse_document(
        [
            {"id": "u", "type": "trigger_universal"},
            {"id": "k", "type": "trigger_keyword", "config": {"keywords": "oi, olá", "matchType": "StartsWith"}},
            {"id": "bad", "type": "trigger_keyword", "config": {"words": ["x"], "match_type": "telepathy"}},
            {
                "id": "t",
                "type": "trigger_template",
                "config": {"template": "ola", "buttons": [{"id": "y", "title": "Sim"}]},
            },
        ]
    )
    specs = {s.node_id: s for s in flow_triggers(document)}
    assert set(specs) == {"u", "k", "t"}
    assert (specs["k"].words, specs["k"].match_type) == (["oi", "olá"], "starts_with")
    assert specs["t"].buttons == ["y", "Sim"]
    candidates = [TriggerCandidate(flow_id="f", spec=s) for s in specs.values()]
    assert getattr(match_universal(candidates), "node_id", "") == "u"


@pytest.mark.parametrize(
    ("text", "expected"), [("Parar!", True), (" STOP ", True), ("sair", True), ("quero sair", False), ("", False)]
)
def test_opt_out(text: str, expected: bool) -> None:
    assert is_opt_out(text) is expected


def test_opt_out_words_are_the_organization_s() -> None:
    assert is_opt_out("cancelar inscrição", ["Cancelar inscricao"])
    assert not is_opt_out("parar", ["chega"])
    assert matches_interrupt("MENÚ", ["menu"]) == "menu"

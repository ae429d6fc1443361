"""What the verifier says of the world around a flow: other flows, channels, references, prices, wording."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from pytake_app.engine.analysis.cost import cost
from pytake_app.engine.analysis.wording import language_of
from pytake_app.engine.findings import ChannelFacts, KeywordOwner, Prices, TemplateFacts, VerifyEnv
from pytake_app.engine.verify import verify
from tests.engine.flows import (
    OPTIONS,
    ask,
    check,
    coded,
    end,
    env_with,
    found,
    jump,
    menu,
    one,
    split,
    start,
    template,
    text,
)
from tests.engine.helpers import document

HERE = [("s", "next", "x"), ("x", "next", "end")]


def there(target: str, *between: dict[str, Any], mode: str = "go") -> Any:
    nodes = [start(), *between, jump("j", target, mode), end()]
    edges = [(a["id"], "answered" if a["type"] == "question" else "next", b["id"])
             for a, b in pairwise(nodes[:-1])]  # fmt: skip
    return document(nodes, [*edges, *([("j", "next", "end")] if mode == "call" else [])])


@pytest.mark.parametrize("mode", ["go", "call"])
def test_flows_that_enter_each_other_without_a_wait(mode: str) -> None:
    from pytake_app.engine.verify import verify

    flows = {"own": there("slug-b", text("a"), mode=mode), "b": there("slug-c", mode=mode)}
    flows["c"] = there("own", mode=mode)
    finding = one(verify(flows["own"], env_with(flows)), "mutual_jump")
    assert (finding.severity, finding.node_id, finding.pointer) == ("error", "j", "/flow")
    assert finding.params["count"] == 3
    flows["b"] = there("slug-c", ask("q", "x"), mode=mode)
    assert not coded(verify(flows["own"], env_with(flows)), "mutual_jump")


def test_a_flow_that_enters_itself() -> None:
    from pytake_app.engine.verify import verify

    own = there("slug-own", text("a"))
    assert one(verify(own, env_with({"own": own})), "mutual_jump").params["count"] == 1
    asks = there("slug-own", ask("q", "x"))
    assert not coded(verify(asks, env_with({"own": asks})), "mutual_jump")


def test_a_circle_through_a_called_flow_needs_a_wait_in_it() -> None:
    quick = document([start(), text("a"), end()], [("s", "next", "a"), ("a", "next", "end")])
    asks = document([start(), ask("q", "y"), end()], [("s", "next", "q"), ("q", "answered", "end")])
    nodes, edges = [start(), jump("j", "sub", "call")], [("s", "next", "j"), ("j", "next", "j")]
    assert coded(found(nodes, edges, env_with({"sub": quick})), "loop_without_wait")
    assert not coded(found(nodes, edges, env_with({"sub": asks})), "loop_without_wait")


SMS = ChannelFacts(channel="sms", name="SMS da loja", templates=True, max_text=20)
INSTAGRAM = ChannelFacts(channel="instagram", buttons="quick_replies", max_buttons=13, typing=True, image=True)
TELEGRAM = ChannelFacts(channel="telegram", buttons="yes", max_buttons=100, image=True, units="utf16", max_text=10)
ROWS = [{"title": "S", "rows": OPTIONS}]


@pytest.mark.parametrize(
    ("node", "channel", "codes"),
    [
        (menu("x"), SMS, {"degrade_buttons_as_numbers"}),
        (menu("x"), INSTAGRAM, {"degrade_buttons_as_quick_replies"}),
        (menu("x"), TELEGRAM, set()),
        ({"id": "x", "type": "msg_list", "config": {"body": "?", "sections": ROWS}}, SMS, {"degrade_list_as_numbers"}),
        ({"id": "x", "type": "msg_media", "config": {"url": "https://e.com/a.png"}}, SMS, {"degrade_media_as_link"}),
        ({"id": "x", "type": "msg_media", "config": {"media_id": "m1"}}, SMS, {"unsupported_media"}),
        ({"id": "x", "type": "msg_media", "config": {"media_id": "m1"}}, TELEGRAM, set()),
        ({"id": "x", "type": "msg_location", "config": {"latitude": "1", "longitude": "2"}}, SMS,
         {"degrade_location_as_text"}),
        (template("x"), TELEGRAM, {"unsupported_template"}),
        (text("x", "x" * 21), SMS, {"degrade_text_too_long"}),
        (text("x", "🎉" * 5), TELEGRAM, set()),
        (text("x", "🎉" * 6), TELEGRAM, {"degrade_text_too_long"}),
        ({"id": "x", "type": "msg_text", "config": {"body": "a", "typing_seconds": 2}}, SMS,
         {"degrade_typing_ignored"}),
    ],
)  # fmt: skip
def test_what_a_channel_cannot_show(node: dict[str, Any], channel: ChannelFacts, codes: set[str]) -> None:
    findings = found([start(), node, end()], HERE, VerifyEnv(channels=(channel,)))
    told = [f for f in findings if f.code.startswith(("degrade", "unsupported"))]
    assert {f.code for f in told} == codes
    assert {f.params["channel"] for f in told} <= {channel.name or channel.channel}


def test_what_no_channel_can_send_blocks_and_what_one_can_warns() -> None:
    flow = ([start(), template("x"), end()], HERE)
    whatsapp = ChannelFacts(channel="whatsapp", templates=True)
    assert one(found(*flow, VerifyEnv(channels=(TELEGRAM,))), "unsupported_template").severity == "error"
    assert one(found(*flow, VerifyEnv(channels=(TELEGRAM, whatsapp))), "unsupported_template").severity == "warning"


def facts(**more: Any) -> tuple[TemplateFacts, ...]:
    return (TemplateFacts(**{"name": "ola", "language": "pt_BR", "variables": 1, **more}),)


@pytest.mark.parametrize(
    ("known", "codes"),
    [
        (facts(), set()),
        (facts(name="outro"), {"missing_template"}),
        (facts(status="PAUSED"), {"template_not_approved"}),
        (facts(language="en"), {"template_language"}),
        (facts(variables=2), {"template_variables"}),
        (facts(variables=None), set()),
    ],
)
def test_templates(known: tuple[TemplateFacts, ...], codes: set[str]) -> None:
    findings = found([start(), template("x", body=["a"]), end()], HERE, VerifyEnv(template_facts=known))
    told = [f for f in findings if "template" in f.code]
    assert {f.code for f in told} == codes
    assert all(f.severity == "error" for f in told)


PLACED = [{"id": "sim", "title": "Sim", "place": 1}]


@pytest.mark.parametrize(
    ("config", "known", "agrees"),
    [
        ({}, {"buttons": ()}, True),
        ({}, {"placeholders": ("nome",)}, True),  # its buttons are unknown: nothing can be said
        ({}, {"placeholders": ("nome",), "buttons": ()}, False),
        ({"body_names": ["nome"]}, {"placeholders": ("nome",), "buttons": ()}, True),
        ({"body_names": ["nome"]}, {"buttons": ()}, False),  # it has numbers now
        ({"buttons": [{"id": "sim", "title": "Sim"}]}, {"buttons": ("link", "reply")}, False),
        ({"buttons": PLACED}, {"buttons": ("link", "reply")}, True),
        ({"buttons": PLACED, "url_suffix": "x"}, {"buttons": ("link", "reply")}, False),
        ({"buttons": PLACED, "url_suffix": "x", "url_place": 0}, {"buttons": ("link", "reply")}, True),
        ({"url_suffix": "x", "url_place": 1}, {"buttons": ("link", "reply")}, False),
        ({"header_type": "text", "header": "x"}, {"header_placeholder": "loja", "buttons": ()}, False),
    ],
)
def test_where_a_template_wants_its_values(config: dict[str, Any], known: dict[str, Any], agrees: bool) -> None:
    nodes = [start(), template("x", body=["a"], **config), end()]
    findings = found(nodes, HERE, VerifyEnv(template_facts=facts(**known)))
    assert ("template_parts" not in {f.code for f in findings}) is agrees


def test_tags_and_fields_of_the_organization() -> None:
    nodes = [start(), {"id": "x", "type": "tag_contact", "config": {"add": ["vip", "novo", "{{ name }}"]}},
             {"id": "u", "type": "update_contact", "config": {"fields": [
                 {"field": "name", "value": "a"}, {"field": "cidade", "value": "b"}, {"field": "uf", "value": "c"}]}},
             end()]  # fmt: skip
    edges = [("s", "next", "x"), ("x", "next", "u"), ("u", "next", "end")]
    env = VerifyEnv(tags=frozenset({"vip"}), fields=frozenset({"cidade"}))
    findings = found(nodes, edges, env)
    assert [(f.params["name"], f.severity) for f in coded(findings, "missing_tag")] == [("novo", "info")]
    assert [(f.params["name"], f.pointer) for f in coded(findings, "missing_field")] == [("uf", "/fields/2/field")]
    assert not {"missing_tag", "missing_field"} & {f.code for f in found(nodes, edges)}


PRICES = Prices(currency="BRL", marketing=300_000, utility=40_000, authentication=150_000)
KNOWN = (TemplateFacts(name="promo", language="pt_BR"),
         TemplateFacts(name="aviso", language="pt_BR", category="utility"))  # fmt: skip


def test_the_cost_of_a_conversation() -> None:
    nodes = [start(), split(), template("p", "promo"), template("u", "aviso"), text("say"), ask("q", "x"), end()]
    edges = [("s", "next", "split"), ("split", "branch:a", "p"), ("split", "branch:b", "say"), ("p", "next", "u"),
             ("u", "next", "say"), ("say", "next", "q"), ("q", "answered", "end")]  # fmt: skip
    report = cost(document(nodes, edges), PRICES, templates=KNOWN)
    whole = report.overall
    assert (whole.least_messages, whole.most_messages) == (2, 6)  # the question is asked up to three times
    assert (whole.least_billable, whole.most_billable) == (0, 2)
    assert (whole.least_price, whole.most_price) == (0, 340_000)
    assert (report.entries[0].node_id, report.currency, whole.unbounded) == ("s", "BRL", False)
    finding = one(found(nodes, edges, VerifyEnv(prices=PRICES, template_facts=KNOWN)), "cost_range")
    assert finding.params == {"currency": "BRL", "least": "0.0000", "most": "0.3400", "count": 0, "most_count": 2}


def test_a_circle_of_templates_has_no_bound() -> None:
    nodes = [start(), template("p", "promo"), ask("q", "x")]
    edges = [("s", "next", "p"), ("p", "next", "q"), ("q", "answered", "p")]
    whole = cost(document(nodes, edges), PRICES, templates=KNOWN).overall
    assert (whole.most_price, whole.most_messages, whole.least_price) == (None, None, 300_000)
    assert one(found(nodes, edges, VerifyEnv(prices=PRICES, template_facts=KNOWN)), "cost_unbounded").node_id == "s"
    texts = cost(document([start(), text("a"), ask("q", "x")],
                          [("s", "next", "a"), ("a", "next", "q"), ("q", "answered", "a")]), PRICES)  # fmt: skip
    assert (texts.overall.most_messages, texts.overall.most_price) == (None, 0)


def test_the_cost_of_a_flow_that_is_called() -> None:
    sub = document([start(), template("p", "promo"), end()], [("s", "next", "p"), ("p", "next", "end")])
    flow = document([start(), jump("j", "sub", "call"), template("p", "promo"), end()],
                    [("s", "next", "j"), ("j", "next", "p"), ("p", "next", "end")])  # fmt: skip
    whole = cost(flow, PRICES, templates=KNOWN, env=env_with({"sub": sub})).overall
    assert (whole.least_price, whole.most_price, whole.partial) == (600_000, 600_000, False)
    assert cost(flow, PRICES, templates=KNOWN).overall.partial


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("Olá {{1}}, tudo bem?", "numbered_placeholder"),
        ("Olá {nome}, tudo bem?", "single_brace"),
        ("Olá %nome%, tudo bem?", "single_brace"),
        ("Desconto de 50% na loja toda", None),
        ("Olá }} tudo bem?", "stray_braces"),
        ("Lorem ipsum dolor", "left_over_text"),
        ("Olá [nome], tudo bem?", "left_over_text"),
        ("Para todo o Brasil, TODO dia", None),
        ("Olá {{ contact.name }}, tudo bem?", None),
    ],
)
def test_what_was_left_in_a_text(body: str, code: str | None) -> None:
    codes = {"numbered_placeholder", "single_brace", "stray_braces", "left_over_text"}
    findings = found([start(), text("x", body), end()], HERE)
    assert [f.code for f in findings if f.code in codes] == ([code] if code else [])


def test_an_expression_where_none_is_taken() -> None:
    node = {"id": "x", "type": "end", "config": {"outcome": "{{ contact.name }}"}}
    assert one(found([start(), node], [("s", "next", "x")]), "unresolved_expression").pointer == "/outcome"


@pytest.mark.parametrize(
    ("said", "language"),
    [
        ("Olá! Você já fez o seu pedido? Posso ajudar com mais alguma coisa?", "pt_BR"),
        ("Hello, please choose what you would like to do with your order.", "en"),
        ("Hola, elija una opción para hablar con nosotros, por favor. ¿Qué quiere hacer ahora?", "es"),
        ("OK", None),
        ("123 456 789", None),
    ],
)
def test_the_language_of_a_text(said: str, language: str | None) -> None:
    assert language_of(said) == language


def test_texts_of_another_language_than_the_flows() -> None:
    english = text("x", "Hello, please choose what you would like to do with your order.")
    assert one(found([start(), english, end()], HERE), "other_language").params == {"language": "en"}
    assert not coded(found([start(), english, end()], HERE, settings={"locale": "en"}), "other_language")


def test_keywords_that_are_taken() -> None:
    nodes = [{"id": "k", "type": "trigger_keyword", "config": {"words": ["Menu", "preço", "olá"]}},
             {"id": "k2", "type": "trigger_keyword", "config": {"words": ["MENU"]}}, end()]  # fmt: skip
    edges = [("k", "next", "end"), ("k2", "next", "end")]
    env = VerifyEnv(
        keywords=(
            KeywordOwner(name="Vendas", words=("Preco",)),
            KeywordOwner(kind="auto_reply", name="Saudação", words=("Olá",)),
        )
    )
    findings = found(nodes, edges, env)
    assert one(findings, "keyword_twice").node_id == "k2"
    assert one(findings, "keyword_in_flow").params == {"word": "preço", "owner": "Vendas"}
    assert one(findings, "keyword_in_rule").params == {"word": "olá", "owner": "Saudação"}


@pytest.mark.parametrize(
    ("word", "match_type", "code"),
    [
        ("Olá!", "exact", "keyword_in_flow"),
        ("preço", "contains", "keyword_in_flow"),
        ("preço", "exact", None),
        ("Parar", "exact", "keyword_opts_out"),
        ("sair", "starts_with", "keyword_opts_out"),
    ],
)
def test_keywords_that_never_come_to_this_flow(word: str, match_type: str, code: str | None) -> None:
    words = {"words": [word, "outra"], "match_type": match_type}
    nodes = [{"id": "k", "type": "trigger_keyword", "config": words}, text("x", "oi"), end()]
    env = VerifyEnv(
        keywords=(
            KeywordOwner(name="Vendas", words=("ola",)),
            KeywordOwner(name="Preços", words=("Preco",), match_type="contains"),
        )
    )
    told = [f for f in found(nodes, [("k", "next", "x"), ("x", "next", "end")], env) if f.code.startswith("keyword_")]
    assert [f.code for f in told] == ([code] if code else [])
    assert all(f.mend == "drop_word" for f in told)


def test_a_global_keyword_that_opts_out_never_comes_to_the_flow() -> None:
    settings = {"interrupt_keywords": ["Sair", "cancelar"], "restart_keywords": ["menu"]}
    flow = document([start(), text("x", "oi"), end()], HERE, settings=settings)
    assert [f.params for f in coded(verify(flow), "keyword_opts_out")] == [{"word": "Sair"}]
    assert not coded(verify(flow, VerifyEnv(opt_out_words=("STOP",))), "keyword_opts_out")


def test_fields_that_no_contact_has_are_told_where_they_are_shown() -> None:
    said = text("x", "{{ contact.nome }} {{ contact.city }} {{ contact.first_name }} {{ contact.size | plus: 1 }}")
    env = VerifyEnv(fields=frozenset({"city"}))
    told = coded(found([start(), said, end()], HERE, env), "unknown_contact_field")
    assert [(f.node_id, f.pointer, f.params["name"]) for f in told] == [("x", "/body", "nome")]
    kept = {"id": "u", "type": "update_contact", "config": {"fields": [{"field": "nome", "value": "Ana"}]}}
    edges = [("s", "next", "u"), ("u", "next", "x"), ("x", "next", "end")]
    assert not coded(found([start(), kept, said, end()], edges, env), "unknown_contact_field")
    assert not coded(found([start(), said, end()], HERE), "unknown_contact_field")


def test_a_secret_in_a_text_that_contacts_read_is_refused() -> None:
    told = coded(found([start(), text("x", "{{ secret.API }}"), end()], HERE), "secret_not_allowed")
    assert [(f.node_id, f.pointer, f.severity) for f in told] == [("x", "/body", "error")]


@pytest.mark.parametrize("name", ["phone", "id", "tags"])
def test_what_flows_do_not_set_of_a_contact(name: str) -> None:
    assign = {"assignments": [{"target": "contact", "name": name, "value": "1"}]}
    for config, kind in ((assign, "set_variable"), ({"fields": [{"field": name, "value": "1"}]}, "update_contact")):
        told = found([start(), {"id": "x", "type": kind, "config": config}, end()], HERE, VerifyEnv(fields=frozenset()))
        assert [f.code for f in told if f.node_id == "x"] == ["reserved_variable_name"]


def test_holidays_are_dates() -> None:
    hours = {"periods": [{"days": [0]}], "holidays": ["2026-12-25", "12-25", "02-29", "2026-02-30", "25/12", "natal"]}
    node = {"id": "x", "type": "business_hours", "config": hours}
    told = coded(found([start(), node, end()], [("s", "next", "x")]), "invalid_holiday")
    assert [f.pointer for f in told] == ["/holidays/3", "/holidays/4", "/holidays/5"]


def test_a_pattern_is_not_compared_with_a_number() -> None:
    cases = [{"id": "a", "operator": "matches", "value": "^1"}, {"id": "b", "operator": "equals", "value": "sim"}]
    switch = {"id": "x", "type": "switch", "config": {"value": "{{ n }}", "cases": cases}}
    nodes = [start(), ask("q", "n", kind="number"), switch, end()]
    told = coded(found(nodes, [("s", "next", "q"), ("q", "answered", "x")]), "type_clash")
    assert [f.pointer for f in told] == ["/cases/1/value"]


def test_options_with_the_same_text_and_empty_texts_block() -> None:
    twice = {"id": "x", "type": "msg_buttons", "config": {"body": " ", "buttons": [
        {"id": "a", "title": "Sim"}, {"id": "b", "title": "sim "}]}}  # fmt: skip
    edges = [("s", "next", "x"), ("x", "option:a", "end"), ("x", "option:b", "end")]
    errors = {f.code for f in found([start(), twice, end()], edges) if f.severity == "error"}
    assert errors == {"duplicate_option_title", "missing_value"}


def test_conditions_are_not_prose() -> None:
    findings = found([start(), check("x", "{{ contact.name }}", compare_to="{a}"), end()],
                     [("s", "next", "x"), ("x", "true", "end"), ("x", "false", "end")])  # fmt: skip
    assert not coded(findings, "single_brace")

"""Expressions: what they give, and that no author can hang a worker or read what isn't theirs."""

from __future__ import annotations

import time
from typing import Any

import pytest

from pytake_app.engine.scope import Scope
from pytake_app.engine.session import Session
from pytake_app.engine.templating import Template, TemplateFailure
from tests.engine.helpers import NOW, Talk, compiled, context


def scope(locale: str = "pt_BR", **variables: Any) -> Scope:
    session = Session(
        id="s", root_flow_id="f", root_version=1, flow_id="f", flow_version=1, started_at=NOW, variables=variables
    )
    return Scope(context(), session, ("f", "Fluxo", 1), locale)


def render(text: str, locale: str = "pt_BR", **variables: Any) -> str:
    return Template(text).render(scope(locale, **variables), strict=False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("oi {{ name }}", "oi Ana Lima"),
        ("{{ contact.first_name }}, {{contact.city}} {{ contact.fields.city }}", "Ana, Natal Natal"),
        ("{{ session.x }}{{ x }}{{ session.id }}", "55s"),
        ("{{ flow.name }} v{{ flow.version }} {{ org.name }}", "Fluxo v1 Loja"),
        ("{{ items.size }} {{ items.first }} {{ items[1] }} {{ items | join: ', ' }}", "3 a b a, b, c"),
        ("{% for i in items %}{{ forloop.index }}{{ i }}{% endfor %}", "1a2b3c"),
        ("{% if x > 3 %}muito{% else %}pouco{% endif %}", "muito"),
        ("{{ nada }}[{{ nada.de.nada }}]{{ nada | default: 'z' }}", "[]z"),
        ("{{ now | date: 'long' }} às {{ now | date: 'time' }}", "21 de novembro de 2026 às 12:00"),
        ("{{ '2026-12-25' | date }} {{ '2026-12-25' | date: '%A' }}", "25/12/2026 sexta-feira"),
        ("{{ 1234.5 | money }} {{ 1234.5 | money: 'USD' }} {{ -3 | money }}", "R$ 1.234,50 US$ 1.234,50 -R$ 3,00"),
        ("{{ '12345678909' | cpf }} {{ '12345678909' | cpf_mask }}", "123.456.789-09 ***.456.789-**"),
        ("{{ '12ABC34501DE35' | cnpj }} {{ '01310100' | cep }}", "12.ABC.345/01DE-35 01310-100"),
        (
            "{{ contact.phone | phone }} | {{ contact.phone | phone: 'international' }}",
            "(61) 99401-3828 | +55 61 99401-3828",
        ),
        ("{{ d }}", '{"a": 1}'),
        ("{{ true_or_not }} {{ x | times: 2 }}", "true 10"),
        ("{{ '10,50' | plus: '1.000,25' }} {{ x | plus: 'R$ 2,5' }} {{ 'a,b' | plus: 1 }}", "1010.75 7.5 1"),
    ],
)
def test_gives(text: str, expected: str) -> None:
    assert render(text, x=5, items=["a", "b", "c"], d={"a": 1}, true_or_not=True) == expected


def test_locales() -> None:
    assert render("{{ 1234.5 | money }} {{ now | date: 'long' }}", "en") == "$1,234.50 November 21, 2026"
    assert render("{{ 1234.5 | money }} {{ now | date: 'long' }}", "es") == "1.234,50 € 21 de noviembre de 2026"


def test_a_variable_cannot_hide_a_namespace() -> None:
    assert render("{{ contact.name }}", contact="eu") == "Ana Lima"


def test_a_variable_hides_an_alias() -> None:
    assert render("{{ name }}", name="Bia") == "Bia"


def test_values_keep_their_kind() -> None:
    held = scope(n=5, items=[1, 2], when="2026-11-21")
    assert Template("{{ n }}").evaluate(held, strict=False) == 5
    assert Template("{{ n | plus: 0.5 }}").evaluate(held, strict=False) == 5.5
    assert Template("{{ items }}").evaluate(held, strict=False) == [1, 2]
    assert Template("{{ now }}").evaluate(held, strict=False) == "2026-11-21T12:00:00-03:00"
    assert Template("n={{ n }}").evaluate(held, strict=False) == "n=5"
    assert Template("{{ nada }}").evaluate(held, strict=False) is None


def test_reads_are_recorded() -> None:
    held = scope(x=5)
    Template("{{ x }} {{ contact.name | upcase }} {{ nada }}").render(held, strict=False)
    assert held.reads == {"x": 5, "contact.name": "Ana Lima", "nada": None}


@pytest.mark.parametrize("text", ["{{ nada }}", "{{ nada | upcase }}", "{{ contact.nada }}", "{{ nada.x }}!"])
def test_strict_refuses_an_unknown_variable(text: str) -> None:
    with pytest.raises(TemplateFailure) as failure:
        Template(text).render(scope(), strict=True)
    assert failure.value.code == "undefined_variable"


def test_strict_allows_defaults_and_tests() -> None:
    assert (
        Template("{{ nada | default: 'z' }}{% if nada %}a{% else %}b{% endif %}").render(scope(), strict=True) == "zb"
    )


DOUBLING = "{% assign a = 'xxxxxxxxxxxxxxxx' %}" + "{% assign a = a | append: a %}" * 60 + "{{ a }}"
ATTACKS = {
    "python_power": "{{ 'a' * 10**9 }}",
    "nested_loops": "".join(f"{{% for {i} in (1..999) %}}" for i in "ijk") + "x" + "{% endfor %}" * 3,
    "empty_loops": "{% for i in (1..999) %}{% for j in (1..999) %}{% endfor %}{% endfor %}",
    "many_loops": "{% for i in (1..999) %}.{% endfor %}" * 250,
    "huge_range": "{% for i in (1..1000000000) %}{{ i }}{% endfor %}",
    "huge_range_reversed": "{% for i in (1..1000000000) reversed %}{{ i }}{% endfor %}",
    "huge_range_contains": "{% if (1..1000000000) contains 'x' %}a{% endif %}",
    "variable_range": "{% assign n = 999999999 %}{% for i in (1..n) reversed %}{% endfor %}",
    "doubling": DOUBLING,
    "replace_bomb": "{% assign a = 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' %}"
    + "{% assign a = a | replace: 'x', a %}" * 9
    + "{{ a }}",
    "join_bomb": "{% assign a = 'xxxxxxxx' %}" + "{% assign a = a | split: '' | join: a %}" * 9 + "{{ a }}",
    "number_bomb": "{{ 99999999999999 " + "| times: 99999999999999 " * 60 + "}}",
    "infinity": "{{ '1e999' | ceil }}",
    "deep_blocks": "{% if x %}" * 300 + "{% endif %}" * 300,
    "deep_index": "{{ x" + "[x" * 900 + "]" * 900 + " }}",
    "blanks": "{{" + " " * 9_900 + "}}",
    "unclosed": "{" * 9_999,
    "unclosed_tags": "{%" * 4_999,
    "unclosed_raw": "{% raw %}" * 1_000,
    "too_long": "{{ x }}" * 2_000,
    "include": "{% include 'secrets' %}",
    "render_tag": "{% render 'secrets' %}",
    "liquid_tag": "{% liquid\nfor i in (1..9999)\necho i\nendfor %}",
    "class": "{{ x.__class__.__mro__ }}{{ contact.__init__.__globals__ }}",
    "strftime_width": "{{ 'now' | date: '%1000000000d' }}",
    "unknown_filter": "{{ x | system: 'id' }}",
    "many_filters": "{{ 'x' " + "| upcase " * 1_050 + "}}",
    "cycles": "{% for i in (1..999) %}{% cycle " + ", ".join(["'a'"] * 900) + " %}{% endfor %}",
}


@pytest.mark.parametrize("name", sorted(ATTACKS))
def test_attacks_end_quickly_and_leak_nothing(name: str) -> None:
    began = time.perf_counter()
    template = Template(ATTACKS[name])
    for strict in (False, True):
        text, code = "", "template_error"
        try:
            text = template.render(scope(x=5), strict=strict)
        except TemplateFailure as failure:
            code = failure.code
        assert code in {"template_syntax", "template_limit", "template_error", "undefined_variable"}
        assert len(text.encode()) <= 32_768
        assert "class" not in text
        assert "function" not in text
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize("name", sorted(ATTACKS))
def test_attacks_are_error_events_on_the_node(name: str) -> None:
    flow = compiled(
        [
            {"id": "s", "type": "start"},
            {"id": "a", "type": "msg_text", "config": {"body": ATTACKS[name]}},
            {"id": "b", "type": "msg_text", "config": {"body": "segue"}},
        ],
        [("s", "next", "a"), ("a", "next", "b")],
    )
    talk = Talk(flow)
    assert talk.session.status == "completed"
    assert talk.bodies()[-1] == "segue"
    assert all(e.node_id == "a" for e in talk.last.events if e.type == "error_raised")


@pytest.mark.parametrize(
    "name", ["python_power", "nested_loops", "huge_range", "doubling", "replace_bomb", "many_loops"]
)
def test_bombs_are_refused(name: str) -> None:
    with pytest.raises(TemplateFailure):
        Template(ATTACKS[name]).render(scope(x=5), strict=False)


def test_the_clock_is_the_sprint_s() -> None:
    assert render("{{ now | date: '%Y' }} {{ today }} {{ 'now' | date }}") == "2026 2026-11-21 21/11/2026"

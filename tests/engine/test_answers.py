"""Validation of answers by kind, and options chosen in words."""

from __future__ import annotations

import time
from datetime import date
from typing import Any

import pytest

from pytake_app.engine.answers import Rules, check_answer, normalize_phone, valid_cnpj, valid_cpf
from pytake_app.engine.compare import compare
from pytake_app.engine.naturaldate import parse_date, parse_time
from pytake_app.engine.options import choose, index_options
from pytake_app.engine.session import ContactView, LastInput
from tests.engine.helpers import NOW, Talk, compiled, context

TODAY = date(2026, 11, 21)  # a Saturday


def answer(kind: Any, text: str, **rules: Any) -> Any:
    result = check_answer(Rules(kind=kind, **rules), LastInput(text=text), NOW)
    return result.value if result.ok else None


@pytest.mark.parametrize(
    ("text", "locale", "expected"),
    [
        ("10", "pt_BR", 10),
        ("1.234,56", "pt_BR", 1234.56),
        ("1,234.56", "pt_BR", 1234.56),
        ("1.234", "pt_BR", 1234),
        ("1.234", "en", 1.234),
        ("1,234", "en", 1234),
        ("1,234", "pt_BR", 1.234),
        ("R$ 10,5", "pt_BR", 10.5),
        ("-3", "pt_BR", -3),
        ("0.125", "pt_BR", 0.125),
        ("1.234.567", "pt_BR", 1234567),
        ("dez", "pt_BR", None),
        ("", "pt_BR", None),
        ("1e9", "pt_BR", None),
        ("10%", "pt_BR", 10),
        ("--1", "pt_BR", None),
        ("10 reais", "pt_BR", 10),
        ("-R$ 5", "pt_BR", -5),
        ("5.", "pt_BR", 5),
        ("1 234,56", "pt_BR", 1234.56),
        ("1234.567", "pt_BR", 1234.567),
        ("1.2.3", "pt_BR", None),
        ("12.5.2026", "pt_BR", None),
        ("1.23,4", "pt_BR", None),
        ("3 4", "pt_BR", None),
        ("11 98765 4321", "pt_BR", None),
    ],
)
def test_numbers(text: str, locale: str, expected: float | None) -> None:
    assert answer("number", text, locale=locale) == expected


def test_bounds() -> None:
    assert answer("number", "5", minimum=6) is None
    assert answer("integer", "5,5") is None
    assert answer("integer", "7", minimum=6, maximum=7) == 7
    assert answer("text", "abc", minimum=2, maximum=3) == "abc"
    assert answer("text", "abcd", maximum=3) is None
    assert answer("text", "   ") is None


@pytest.mark.parametrize(
    ("text", "locale", "expected"),
    [
        ("hoje", "pt_BR", "2026-11-21"),
        ("Amanhã", "pt_BR", "2026-11-22"),
        ("depois de amanhã", "pt_BR", "2026-11-23"),
        ("ontem", "pt_BR", "2026-11-20"),
        ("25/12", "pt_BR", "2026-12-25"),
        ("25/12/2027", "pt_BR", "2027-12-25"),
        ("1/2/99", "pt_BR", "1999-02-01"),
        ("12/25", "en", "2026-12-25"),
        ("25/12", "en", "2026-12-25"),
        ("2027-01-31", "en", "2027-01-31"),
        ("25 de dezembro", "pt_BR", "2026-12-25"),
        ("1º de março de 2027", "pt_BR", "2027-03-01"),
        ("dia 5", "pt_BR", "2026-12-05"),
        ("segunda-feira", "pt_BR", "2026-11-23"),
        ("próxima sexta", "pt_BR", "2026-11-27"),
        ("sábado", "pt_BR", "2026-11-28"),
        ("em 3 dias", "pt_BR", "2026-11-24"),
        ("daqui a duas semanas", "pt_BR", "2026-12-05"),
        ("há 2 meses", "pt_BR", "2026-09-21"),
        ("tomorrow", "en", "2026-11-22"),
        ("next friday", "en", "2026-11-27"),
        ("in 3 days", "en", "2026-11-24"),
        ("March 5, 2027", "en", "2027-03-05"),
        ("5th of March", "en", "2027-03-05"),
        ("2 weeks ago", "en", "2026-11-07"),
        ("mañana", "es", "2026-11-22"),
        ("el 3 de enero", "es", "2027-01-03"),
        ("pasado mañana", "es", "2026-11-23"),
        ("dentro de 1 mes", "es", "2026-12-21"),
        ("el lunes", "es", "2026-11-23"),
        ("31/02/2027", "pt_BR", None),
        ("banana", "pt_BR", None),
        ("", "pt_BR", None),
        ("sim", "pt_BR", None),
        ("99/99", "pt_BR", None),
        ("em 999999999 dias", "pt_BR", None),
        ("29/02", "pt_BR", "2028-02-29"),
        ("amanhã às 15h", "pt_BR", "2026-11-22"),
        ("15h de amanhã", "pt_BR", "2026-11-22"),
        ("hoje à tarde", "pt_BR", "2026-11-21"),
        ("25 de dezembro às 14h30", "pt_BR", "2026-12-25"),
        ("sexta que vem", "pt_BR", "2026-11-27"),
        ("segunda da semana que vem", "pt_BR", "2026-11-23"),
        ("6ª feira", "pt_BR", "2026-11-27"),
        ("quarta, 25/11", "pt_BR", "2026-11-25"),
        ("quinta, 25/11", "pt_BR", None),
        ("25/dez/2027", "pt_BR", "2027-12-25"),
        ("primeiro de janeiro", "pt_BR", "2027-01-01"),
        ("dia primeiro", "pt_BR", "2026-12-01"),
        ("daqui 15 dias", "pt_BR", "2026-12-06"),
        ("em quinze dias", "pt_BR", "2026-12-06"),
        ("pode ser amanhã, por favor", "pt_BR", "2026-11-22"),
        ("semana que vem", "pt_BR", None),
        ("20", "pt_BR", None),
        ("tomorrow at 3pm", "en", "2026-11-22"),
        ("Friday, November 27", "en", "2026-11-27"),
        ("a week from now", "en", "2026-11-28"),
        ("friday next week", "en", "2026-11-27"),
        ("mañana por la mañana", "es", "2026-11-22"),
        ("el viernes que viene a las 10", "es", "2026-11-27"),
    ],
)
def test_dates(text: str, locale: str, expected: str | None) -> None:
    day = parse_date(text, TODAY, locale)
    assert (day.isoformat() if day else None) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("14:30", "14:30"),
        ("14h30", "14:30"),
        ("14h", "14:00"),
        ("às 9", "09:00"),
        ("2pm", "14:00"),
        ("12am", "00:00"),
        ("2:30 p.m.", "14:30"),
        ("2 da tarde", "14:00"),
        ("9 da manhã", "09:00"),
        ("8 e meia da noite", "20:30"),
        ("meio-dia", "12:00"),
        ("midnight", "00:00"),
        ("mediodía", "12:00"),
        ("3 de la tarde", "15:00"),
        ("25:00", None),
        ("10:75", None),
        ("13pm", None),
        ("logo", None),
        ("", None),
        ("amanhã às 15h", "15:00"),
        ("sexta 10h30", "10:30"),
        ("dia 20", None),
        ("24/11 10:00", "10:00"),
        ("três e meia da tarde", "15:30"),
        ("às sete", "07:00"),
        ("um", None),
        ("meio-dia e meia", "12:30"),
        ("12 da noite", "00:00"),
        ("1 da madrugada", "01:00"),
        ("24h", "00:00"),
        ("half past two in the afternoon", None),
        ("quarter to four", "03:45"),
        ("a las tres de la tarde", "15:00"),
        ("las 7 y media", "07:30"),
        ("depois das 15h", None),
    ],
)
def test_times(text: str, expected: str | None) -> None:
    moment = parse_time(text)
    assert (moment.strftime("%H:%M") if moment else None) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("61 99401-3828", "+5561994013828"),
        ("(61) 9401-3828", "+5561994013828"),
        ("556194013828", "+5561994013828"),
        ("+5561994013828", "+5561994013828"),
        ("61 3301-3828", "+556133013828"),
        ("+1 650 253 0000", "+16502530000"),
        ("123", None),
        ("abc", None),
        ("", None),
    ],
)
def test_phones(text: str, expected: str | None) -> None:
    assert normalize_phone(text) == expected


def test_documents() -> None:
    assert valid_cpf("52998224725")
    assert not valid_cpf("52998224724")
    assert not valid_cpf("11111111111")
    assert valid_cnpj("11222333000181")
    assert not valid_cnpj("11222333000182")
    assert valid_cnpj("12ABC34501DE35")  # the example of the tax authority's own manual
    assert not valid_cnpj("12ABC34501DE36")
    assert not valid_cnpj("12ABC34501DEAB")
    assert answer("cnpj", "12.abc.345/01de-35") == "12ABC34501DE35"


@pytest.mark.parametrize(
    "text", ["a@b", "a b@c.com", "@c.com", "a@c..com", ".a@c.com", "a@-c.com", "a" * 300 + "@c.com"]
)
def test_bad_emails(text: str) -> None:
    assert answer("email", text) is None


def test_links() -> None:
    assert answer("url", "example.com") == "https://example.com"
    assert answer("url", "http://a.b.com/x?y=1") == "http://a.b.com/x?y=1"
    assert answer("url", "javascript:alert(1)") is None
    assert answer("url", "oi tudo bem") is None


def test_patterns_are_linear() -> None:
    began = time.perf_counter()
    assert answer("regex", "a" * 4_000 + "!", pattern="(a|a)*(a+)+b") is None
    assert answer("regex", "abc", pattern="(?<=x)y") is None  # not RE2: refused, not run
    assert time.perf_counter() - began < 1


OPTIONS = index_options([("support", "Suporte 🛠️"), ("sales", "Vendas"), ("num", "3 meses"), ("café", "Café com leite")])


@pytest.mark.parametrize(
    ("text", "selection", "expected"),
    [
        ("", "sales", "sales"),
        ("Vendas", "old-id", None),
        ("x", "Vendas", "sales"),
        ("vendas!", None, "sales"),
        ("SUPORTE", None, "support"),
        ("Suporte 🛠️", None, "support"),
        ("1", None, "support"),
        ("2)", None, "sales"),
        ("opção 2", None, "sales"),
        ("nº 1", None, "support"),
        ("3 MESES", None, "num"),
        ("cafe com leite", None, "café"),
        ("cafe", None, "café"),
        ("5", None, None),
        ("0", None, None),
        ("vend", None, None),
        ("", None, None),
        ("22", None, None),
        ("2️⃣", None, "sales"),
        ("dois", None, "sales"),
        ("a opção dois", None, "sales"),
        ("quero vendas, por favor", None, "sales"),
        ("não quero vendas", None, None),
        ("3", None, "num"),
    ],
)
def test_options(text: str, selection: str | None, expected: str | None) -> None:
    assert choose(OPTIONS, text, selection)[0] == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("2", "two"), ("duas", "two"), ("4 pessoas", "four"), ("3", None), ("1", None), ("6", "six")]
)
def test_numbers_that_titles_begin_with_are_meant_before_places(text: str, expected: str | None) -> None:
    people = index_options([("two", "2 pessoas"), ("four", "4 pessoas"), ("six", "6 pessoas")])
    assert choose(people, text, None)[0] == expected


def test_an_option_that_is_not_shown_can_not_be_meant() -> None:
    shown = index_options([("a", "👍"), ("gone", " "), ("b", "👎")])
    assert [choose(shown, text, None)[0] for text in ("👍🏽", "2", "3", "🍕", "gone")] == ["a", "b", None, None, None]


@pytest.mark.parametrize(
    ("contact", "text", "expected"),
    [
        ("5215512345678", "55 1234 5678", "+525512345678"),
        ("+34612345678", "612 345 678", "+34612345678"),
        ("5511987654321", "11 98765-4321", "+5511987654321"),
        ("", "11 98765-4321", "+5511987654321"),
        ("5511987654321", "+34 612 345 678", "+34612345678"),
    ],
)
def test_a_number_without_a_country_is_of_the_contacts_own(contact: str, text: str, expected: str) -> None:
    ask = {"id": "q", "type": "question", "config": {"body": "?", "variable": "x", "kind": "phone"}}
    flow = compiled([{"id": "s", "type": "start"}, ask], [("s", "next", "q")])
    talk = Talk(flow, context(contact=ContactView(id="c", phone=contact)))
    talk.say(text)
    assert talk.session.variables == {"x": expected}


@pytest.mark.parametrize(
    ("contact", "locale", "retry", "text", "told"),
    [
        ("5511987654321", "pt_BR", "", "9999-1234",
         "Faltou o DDD. Escreva o número completo, por exemplo (11) 96123-4567."),
        ("5511987654321", "es", "", "999 1234",
         "Falta el código de área. Escribe el número completo, por ejemplo (11) 96123-4567."),
        ("+12015550123", "en", "", "555-0123",
         "The area code is missing. Please write the whole number, for example (201) 555-0123."),
        ("5511987654321", "pt_BR", "Com DDD, por favor", "9999-1234", "Com DDD, por favor"),
        ("5511987654321", "pt_BR", "", "não tenho", "Seu telefone?"),
        ("+34612345678", "es", "", "12 34 56 78", "Seu telefone?"),
    ],
)  # fmt: skip
def test_who_leaves_the_area_code_out_is_told_so(contact: str, locale: str, retry: str, text: str, told: str) -> None:
    ask = {"id": "q", "type": "question",
           "config": {"body": "Seu telefone?", "variable": "x", "kind": "phone", "retry_message": retry}}  # fmt: skip
    flow = compiled([{"id": "s", "type": "start"}, ask], [("s", "next", "q")], settings={"locale": locale})
    talk = Talk(flow, context(contact=ContactView(id="c", phone=contact)))
    talk.say(text)
    assert talk.bodies() == [told]
    assert talk.session.status == "waiting"


def test_documents_and_addresses_as_telephones_write_them() -> None:
    assert answer("cpf", "529.982.247–25") == "52998224725"
    assert answer("cep", "01310–100") == "01310100"
    assert answer("email", "<joao@example.com>.") is None
    assert answer("email", "joao@Example.com.") == "joao@example.com"
    assert answer("url", "httpbin.org") == "https://httpbin.org"
    assert answer("url", "açaí.com.br") == "https://açaí.com.br"


@pytest.mark.parametrize(
    ("left", "operator", "right", "locale", "holds"),
    [
        ("2026-01-20", "less", "05/02/2026", "pt_BR", True),
        ("2026-01-20", "less", "05/02/2026", "en", True),
        ("2026-04-20", "less", "05/02/2026", "en", True),
        ("2026-04-20", "less", "05/02/2026", "pt_BR", False),
        ("20/01/2026", "greater", "5/1/2026", "pt_BR", True),
        ("2026-12-25", "equals", "25/12/2026", "pt_BR", True),
        ("2026-12-25", "in", "24/12/2026, 25/12/2026", "es", True),
        ("2026-12-25", "equals", "25/12", "pt_BR", False),
        ("1,234", "greater", "1000", "en", True),
        ("1,234", "greater", "1000", "pt_BR", False),
        ("12345678", "equals", "1234-5678", "pt_BR", False),
    ],
)
def test_dates_and_numbers_in_texts_are_compared_in_the_flows_language(
    left: str, operator: str, right: str, locale: str, holds: bool
) -> None:
    assert compare(left, operator, right, locale) is holds

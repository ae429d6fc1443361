"""Every kind of answer a question can ask for, with answers that count and answers that don't."""

from __future__ import annotations

from typing import Any

import pytest

from pytake_app.engine.answers import ANSWER_KINDS, Rules, check_answer
from pytake_app.engine.session import LastInput
from tests.engine.helpers import NOW

GOOD: dict[str, list[tuple[Any, Any]]] = {
    "text": [(" Ana Conceição ", "Ana Conceição"), ("👍", "👍")],
    "number": [("3,5", 3.5), ("R$ 1.234,56", 1234.56), ("+7", 7), ("50%", 50), ("1 000", 1000)],
    "integer": [("12", 12), ("1.000", 1000), ("-4", -4)],
    "email": [("ana@example.com", "ana@example.com"),
             (" Ana.Lima+x@Sub.Example.COM ", "Ana.Lima+x@sub.example.com")],
    "phone": [("(11) 98765-4321", "+5511987654321"), ("11 8765-4321", "+5511987654321"),
              ("+351 912 345 678", "+351912345678")],
    "date": [("amanhã", "2026-11-22"), ("next monday", "2026-11-23"), ("pasado mañana", "2026-11-23"),
             ("31/12/2026", "2026-12-31"),("December 31", "2026-12-31"), ("31 de diciembre", "2026-12-31"),
             ("2027-02-28", "2027-02-28")],
    "time": [("14h30", "14:30"), ("2pm", "14:00"), ("às 9 da manhã", "09:00"), ("3 de la tarde", "15:00"),
             ("meia-noite", "00:00")],
    "cpf": [("529.982.247-25", "52998224725"), ("52998224725", "52998224725")],
    "cnpj": [("11.222.333/0001-81", "11222333000181"), ("12.abc.345/01de-35", "12ABC34501DE35")],
    "cep": [("01310-100", "01310100"), ("01310100", "01310100"), ("01.310-100", "01310100")],
    "url": [("https://example.com/a?b=c#d", "https://example.com/a?b=c#d"),
             ("Example.com.br", "https://Example.com.br")],
    "file": [({"media_url": "/api/v1/media/1"}, "/api/v1/media/1"), ({"media_id": "m1"}, "m1")],
    "location": [({"latitude": -23.5, "longitude": -46.6}, {"latitude": -23.5, "longitude": -46.6}),
                 ({"latitude": 0.0, "longitude": 0.0}, {"latitude": 0.0, "longitude": 0.0})],
    "regex": [("AB-1234", "AB-1234"), ("ab-1234", "ab-1234")],
}  # fmt: skip
BAD: dict[str, list[Any]] = {
    "text": ["", "   "],
    "number": ["", "dez", "1e5", "--3", "3 maçãs", "1,2,3.4.5,", "∞"],
    "integer": ["3,5", "", "doze", "1e3"],
    "email": ["", "ana", "ana@", "@example.com", "ana@example", "a b@example.com", "ana@exa_mple.com",
              "ana..b@example.com"],
    "phone": ["", "123", "abc", "+999 1", "00 0000-0000", "1" * 40],
    "date": ["", "31/02/2027", "um dia desses", "32 de março", "00/00/0000", "99999"],
    "time": ["", "25:00", "12:60", "13pm", "depois", "9999"],
    "cpf": ["", "529.982.247-24", "111.111.111-11", "5299822472", "529982247255", "٥٢٩٩٨٢٢٤٧٢٥"],
    "cnpj": ["", "11.222.333/0001-82", "00000000000000", "12ABC34501DE36", "12ABC34501DEAB", "1122233300018",
             "12ÁBC34501DE35"],
    "cep": ["", "0131010", "013101000", "00000-000", "abcde-fgh", "٠١٣١٠١٠٠"],
    "url": ["", "oi", "http://", "javascript:alert(1)", "ftp://example.com", "exa mple.com", "http://localhost"],
    "file": [{}, {"text": "foto.png"}],
    "location": [{}, {"latitude": -23.5}, {"text": "-23.5, -46.6"}],
    "regex": ["", "A-1234", "AB-12345", "xAB-1234"],
}  # fmt: skip
PATTERN = "[A-Z]{2}-[0-9]{4}"


def check(kind: Any, given: Any) -> Any:
    values = given if isinstance(given, dict) else {"text": given}
    return check_answer(Rules(kind=kind, pattern=PATTERN), LastInput(**values), NOW)


@pytest.mark.parametrize(("kind", "given", "value"), [(k, g, v) for k, rows in GOOD.items() for g, v in rows])
def test_counts(kind: str, given: Any, value: Any) -> None:
    answer = check(kind, given)
    assert (answer.ok, answer.value) == (True, value), answer


@pytest.mark.parametrize(("kind", "given"), [(k, g) for k, rows in BAD.items() for g in rows])
def test_does_not_count(kind: str, given: Any) -> None:
    answer = check(kind, given)
    assert not answer.ok, answer.value
    assert answer.why


def test_every_kind_has_both() -> None:
    assert set(GOOD) == set(BAD) == set(ANSWER_KINDS)
    assert all(len(rows) >= 2 for rows in (*GOOD.values(), *BAD.values()))

"""PyTake's own filters in three languages, good values and bad ones."""

from __future__ import annotations

import pytest

from pytake_app.engine.templating import Template, TemplateFailure
from tests.engine.test_templating import scope

LANGUAGES = ("pt_BR", "en", "es")


def render(text: str, locale: str, **variables: object) -> str:
    return Template(text).render(scope(locale, **variables), strict=False)


@pytest.mark.parametrize(
    ("value", "pt_br", "en", "es"),
    [
        (0, "R$ 0,00", "$0.00", "0,00 €"),
        (1234.5, "R$ 1.234,50", "$1,234.50", "1.234,50 €"),
        (1_234_567.891, "R$ 1.234.567,89", "$1,234,567.89", "1.234.567,89 €"),
        (0.005, "R$ 0,01", "$0.01", "0,01 €"),
        (-3, "-R$ 3,00", "-$3.00", "-3,00 €"),
        ("1.234,56", "R$ 1.234,56", "$1,234.56", "1.234,56 €"),
        ("1,234.56", "R$ 1.234,56", "$1,234.56", "1.234,56 €"),
        ("19.9", "R$ 19,90", "$19.90", "19,90 €"),
    ],
)
def test_money(value: object, pt_br: str, en: str, es: str) -> None:
    assert [render("{{ v | money }}", locale, v=value) for locale in LANGUAGES] == [pt_br, en, es]


@pytest.mark.parametrize(
    ("currency", "expected"),
    [
        ("BRL", ["R$ 10,00", "R$ 10.00", "10,00 R$"]),
        ("USD", ["US$ 10,00", "$10.00", "10,00 US$"]),
        ("EUR", ["€ 10,00", "€10.00", "10,00 €"]),
        ("clp", ["CLP 10,00", "CLP 10.00", "10,00 CLP"]),
    ],
)
def test_money_of_another_currency(currency: str, expected: list[str]) -> None:
    assert [render("{{ 10 | money: c }}", locale, c=currency) for locale in LANGUAGES] == expected


@pytest.mark.parametrize("value", ["dez", "", None, "1e400", "NaN", "9" * 30])
def test_money_of_what_is_no_amount_is_an_error(value: object) -> None:
    with pytest.raises(TemplateFailure) as failure:
        render("{{ v | money }}", "pt_BR", v=value)
    assert failure.value.code == "template_error"


@pytest.mark.parametrize("locale", LANGUAGES)
@pytest.mark.parametrize(
    ("value", "national", "international", "e164"),
    [
        ("5561994013828", "(61) 99401-3828", "+55 61 99401-3828", "+5561994013828"),
        ("61994013828", "(61) 99401-3828", "+55 61 99401-3828", "+5561994013828"),
        ("+55 61 3301-3828", "(61) 3301-3828", "+55 61 3301-3828", "+556133013828"),
        ("+16502530000", "(650) 253-0000", "+1 650-253-0000", "+16502530000"),
        ("+34912345678", "912 34 56 78", "+34 912 34 56 78", "+34912345678"),
    ],
)
def test_phone(locale: str, value: str, national: str, international: str, e164: str) -> None:
    text = "{{ v | phone }}|{{ v | phone: 'international' }}|{{ v | phone: 'e164' }}"
    assert render(text, locale, v=value) == f"{national}|{international}|{e164}"


@pytest.mark.parametrize("value", ["liga para mim", "", "+"])
def test_what_is_no_phone_comes_back(value: str) -> None:
    assert render("{{ v | phone }}", "pt_BR", v=value) == value


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("short", ["03/02/2027", "02/03/2027", "03/02/2027"]),
        ("long", ["3 de fevereiro de 2027", "February 3, 2027", "3 de febrero de 2027"]),
        ("datetime", ["03/02/2027 15:04", "02/03/2027 03:04 PM", "03/02/2027 15:04"]),
        ("time", ["15:04", "15:04", "15:04"]),
        ("%A, %-d %b", ["quarta-feira, 3 fev", "Wednesday, 3 Feb", "miércoles, 3 feb"]),
        ("%d/%m às %Hh%M %%", ["03/02 às 15h04 %", "03/02 às 15h04 %", "03/02 às 15h04 %"]),
    ],
)
def test_date(style: str, expected: list[str]) -> None:
    got = [render("{{ v | date: s }}", locale, v="2027-02-03T15:04:00", s=style) for locale in LANGUAGES]
    assert got == expected


@pytest.mark.parametrize("value", ["amanhã cedo", "2027-13-40", "", "[]"])
def test_what_is_no_date_comes_back(value: str) -> None:
    assert render("{{ v | date: 'long' }}", "es", v=value) == value


@pytest.mark.parametrize("locale", LANGUAGES)
@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("cpf", "12345678909", "123.456.789-09"),
        ("cpf", "123.456.789-09", "123.456.789-09"),
        ("cpf", "1234", "1234"),
        ("cpf_mask", "123.456.789-09", "***.456.789-**"),
        ("cpf_mask", "não tenho", "não tenho"),
        ("cnpj", "11222333000181", "11.222.333/0001-81"),
        ("cnpj", "12abc34501de35", "12.ABC.345/01DE-35"),
        ("cnpj", "12.ABC.345/01DE-35", "12.ABC.345/01DE-35"),
        ("cnpj", "12ABC34501DEXX", "12ABC34501DEXX"),
        ("cnpj", "112223330001", "112223330001"),
        ("cnpj_mask", "11222333000181", "**.222.333/****-**"),
        ("cnpj_mask", "12.abc.345/01de-35", "**.ABC.345/****-**"),
        ("cnpj_mask", "nenhum", "nenhum"),
        ("cep", "01310100", "01310-100"),
        ("cep", "01310-100", "01310-100"),
        ("cep", "1310", "1310"),
    ],
)
def test_brazilian_documents(locale: str, name: str, value: str, expected: str) -> None:
    assert render(f"{{{{ v | {name} }}}}", locale, v=value) == expected

"""Liquid filters of PyTake, and guarded forms of built-in ones that could grow without bound."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, Final

import phonenumbers
from liquid.exceptions import FilterArgumentError, OutputStreamLimitError

from pytake_app.engine.limits import MAX_OUTPUT_BYTES
from pytake_app.engine.scope import Scope, timezone

ScopeFilter = Callable[..., Any]

_BUILTIN = (
    "abs at_most at_least ceil divided_by floor minus plus round times modulo capitalize append downcase "
    "escape lstrip prepend remove remove_first remove_last replace_first replace_last slice split upcase strip "
    "rstrip strip_newlines truncate truncatewords url_encode url_decode squish first last concat map where "
    "reject reverse sort sort_natural sum uniq compact find has size default"
)
ALLOWED_BUILTIN: Final = frozenset(_BUILTIN.split())
"""Filters of the library that are kept. Those with the file's own code below replace theirs."""

_SYMBOLS: Final = {"BRL": "R$", "USD": "US$", "EUR": "€"}
_DEFAULT_CURRENCY: Final = {"pt_BR": "BRL", "en": "USD", "es": "EUR"}
_MONTHS: Final = {
    "pt_BR": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "en": "January February March April May June July August September October November December",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
}
_DAYS: Final = {
    "pt_BR": "segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado domingo",
    "en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "es": "lunes martes miércoles jueves viernes sábado domingo",
}
_DATE_STYLES: Final = {
    "pt_BR": {"short": "%d/%m/%Y", "long": "%-d de %B de %Y", "datetime": "%d/%m/%Y %H:%M"},
    "en": {"short": "%m/%d/%Y", "long": "%B %-d, %Y", "datetime": "%m/%d/%Y %I:%M %p"},
    "es": {"short": "%d/%m/%Y", "long": "%-d de %B de %Y", "datetime": "%d/%m/%Y %H:%M"},
}


def text_of(value: Any) -> str:
    """A Liquid value as text, as an output statement would print it."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "".join(text_of(v) for v in value)
    return str(value)


def _digits(value: Any) -> str:
    return "".join(c for c in text_of(value)[:64] if c.isascii() and c.isdigit())


def _decimal(value: Any) -> Decimal:
    text = text_of(value).strip()[:40]
    if "," in text:
        text = text.replace(".", "").replace(",", ".") if text.rfind(",") > text.rfind(".") else text.replace(",", "")
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise FilterArgumentError("expected a number", token=None) from error
    if not number.is_finite() or abs(number) >= Decimal(10) ** 18:
        raise FilterArgumentError("number out of range", token=None)
    return number


def money(scope: Scope, value: Any, currency: Any = None) -> str:
    """``{{ 1234.5 | money }}`` → ``R$ 1.234,50`` in pt_BR; ``money: "USD"`` names the currency
    (BRL, USD, EUR; any other code is written as it is)."""
    locale = scope.locale if scope.locale in _DEFAULT_CURRENCY else "pt_BR"
    code = text_of(currency).upper()[:3] if currency is not None else _DEFAULT_CURRENCY[locale]
    amount = _decimal(value).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
    plain = f"{abs(amount):,.2f}"
    sign = "-" if amount < 0 else ""
    symbol = "$" if (code, locale) == ("USD", "en") else _SYMBOLS.get(code, code)
    if locale == "en":
        return f"{sign}{symbol}{plain}" if len(symbol) == 1 else f"{sign}{symbol} {plain}"
    swapped = plain.translate(str.maketrans(",.", ".,"))
    return f"{sign}{swapped} {symbol}" if locale == "es" else f"{sign}{symbol} {swapped}"


def phone(scope: Scope, value: Any, style: Any = "national") -> str:  # noqa: ARG001 - form of all scope filters
    """A phone number for people: ``national`` (default), ``international`` or ``e164``. A text that
    is no number comes back unchanged."""
    text = text_of(value).strip()[:40]
    digits = _digits(text)
    guess = text if text.startswith("+") else f"+{digits}" if len(digits) >= 12 else text
    try:
        number = phonenumbers.parse(guess, "BR")
    except phonenumbers.NumberParseException:
        return text
    formats = {
        "international": phonenumbers.PhoneNumberFormat.INTERNATIONAL,
        "e164": phonenumbers.PhoneNumberFormat.E164,
    }
    chosen = formats.get(text_of(style), phonenumbers.PhoneNumberFormat.NATIONAL)
    return str(phonenumbers.format_number(number, chosen))


def _moment(scope: Scope, value: Any) -> datetime | date | None:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return value
    text = text_of(value).strip()[:40]
    zone = timezone(scope.ctx.org.timezone)
    if text in ("now", "today"):
        return scope.ctx.now.astimezone(zone)
    if text.isdigit() and len(text) <= 11:
        return datetime.fromtimestamp(int(text), tz=zone)
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return parsed.astimezone(zone) if parsed.tzinfo else parsed


def date_filter(scope: Scope, value: Any, style: Any = "short") -> str:
    """A date for people: ``short``, ``long``, ``datetime``, ``time``, or a pattern of %d %-d %m %-m
    %b %B %y %Y %H %I %M %S %p %a %A %j %%. Month and day names follow the flow's language. A value that
    is no date comes back unchanged."""
    moment = _moment(scope, value)
    if moment is None:
        return text_of(value)
    locale = scope.locale if scope.locale in _MONTHS else "pt_BR"
    wanted = text_of(style)[:200]
    pattern = _DATE_STYLES[locale].get(wanted, "%H:%M" if wanted == "time" else wanted)
    return _strftime(moment, pattern, locale)


def _strftime(moment: datetime | date, pattern: str, locale: str) -> str:
    hour, minute, second = (moment.hour, moment.minute, moment.second) if isinstance(moment, datetime) else (0, 0, 0)
    month, day = _MONTHS[locale].split()[moment.month - 1], _DAYS[locale].split()[moment.weekday()]
    twelve = hour % 12 or 12
    values = {
        "d": f"{moment.day:02}", "-d": str(moment.day), "e": str(moment.day), "m": f"{moment.month:02}",
        "-m": str(moment.month), "b": month[:3], "B": month, "y": f"{moment.year % 100:02}", "Y": str(moment.year),
        "H": f"{hour:02}", "-H": str(hour), "I": f"{twelve:02}", "-I": str(twelve), "M": f"{minute:02}",
        "S": f"{second:02}", "p": "AM" if hour < 12 else "PM", "a": day[:3], "A": day,
        "j": f"{moment.timetuple().tm_yday:03}", "%": "%",
    }  # fmt: skip
    out: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if char != "%" or at + 1 >= len(pattern):
            out.append(char)
            at += 1
            continue
        key = pattern[at + 1 : at + 3] if pattern[at + 1] == "-" else pattern[at + 1]
        out.append(values.get(key, f"%{key}"))
        at += 1 + len(key)
    return "".join(out)


def cpf(scope: Scope, value: Any) -> str:  # noqa: ARG001 - same form for all scope filters
    """``12345678909`` → ``123.456.789-09``."""
    d = _digits(value)
    return f"{d[:3]}.{d[3:6]}.{d[6:9]}-{d[9:]}" if len(d) == 11 else text_of(value)


def cpf_mask(scope: Scope, value: Any) -> str:  # noqa: ARG001
    """``12345678909`` → ``***.456.789-**``: enough to recognise, not to misuse."""
    d = _digits(value)
    return f"***.{d[3:6]}.{d[6:9]}-**" if len(d) == 11 else text_of(value)


def cnpj_mask(scope: Scope, value: Any) -> str:  # noqa: ARG001
    """``12ABC34501DE35`` → ``**.ABC.345/****-**``: enough to recognise, not to misuse."""
    c = _cnpj_code(value)
    return f"**.{c[2:5]}.{c[5:8]}/****-**" if c else text_of(value)


def _cnpj_code(value: Any) -> str:
    code = "".join(x for x in text_of(value)[:64].upper() if x.isascii() and x.isalnum())
    return code if len(code) == 14 and code[12:].isdigit() else ""


def cnpj(scope: Scope, value: Any) -> str:  # noqa: ARG001
    """``12ABC34501DE35`` → ``12.ABC.345/01DE-35`` (alphanumeric numbers of 2026 too)."""
    c = _cnpj_code(value)
    return f"{c[:2]}.{c[2:5]}.{c[5:8]}/{c[8:12]}-{c[12:]}" if c else text_of(value)


def cep(scope: Scope, value: Any) -> str:  # noqa: ARG001
    """``01310100`` → ``01310-100``."""
    d = _digits(value)
    return f"{d[:5]}-{d[5:]}" if len(d) == 8 else text_of(value)


def replace(scope: Scope, value: Any, old: Any, new: Any = "") -> str:  # noqa: ARG001
    """The library's ``replace``, refused before it grows past the output limit."""
    text, old_text, new_text = text_of(value), text_of(old), text_of(new)
    count = text.count(old_text) if old_text else len(text) + 1
    if len(text) + count * len(new_text) > MAX_OUTPUT_BYTES:
        raise OutputStreamLimitError("replace: result too long", token=None)
    return text.replace(old_text, new_text)


def join(scope: Scope, value: Any, separator: Any = " ") -> str:  # noqa: ARG001
    """The library's ``join``, refused before it grows past the output limit."""
    if isinstance(value, Mapping):
        value = [f"{text_of(k)}{text_of(v)}" for k, v in value.items()]
    items = [text_of(v) for v in value] if isinstance(value, list | tuple | range) else [text_of(value)]
    glue = text_of(separator)
    if sum(map(len, items)) + len(glue) * len(items) > MAX_OUTPUT_BYTES:
        raise OutputStreamLimitError("join: result too long", token=None)
    return glue.join(items)


def newline_to_br(scope: Scope, value: Any) -> str:  # noqa: ARG001
    """Kept for older exports; WhatsApp has no markup, so the text is unchanged."""
    return text_of(value)


SCOPE_FILTERS: Final[Mapping[str, ScopeFilter]] = {
    "money": money, "phone": phone, "date": date_filter, "cpf": cpf, "cpf_mask": cpf_mask, "cnpj": cnpj,
    "cnpj_mask": cnpj_mask, "cep": cep, "replace": replace, "join": join, "newline_to_br": newline_to_br,
}  # fmt: skip

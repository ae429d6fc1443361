"""Validation of a contact's answer by kind. Pure; the moment and the language are handed in."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, Literal

import phonenumbers
import re2
from pydantic import JsonValue

from pytake_app.engine.naturaldate import parse_date, parse_time
from pytake_app.engine.session import LastInput

AnswerKind = Literal[
    "text", "number", "integer", "email", "phone", "date", "time", "cpf", "cnpj", "cep", "url", "file", "location",
    "regex",
]  # fmt: skip
ANSWER_KINDS: Final[tuple[str, ...]] = (
    "text", "number", "integer", "email", "phone", "date", "time", "cpf", "cnpj", "cep", "url", "file", "location",
    "regex",
)  # fmt: skip
MAX_PATTERN_CHARS: Final = 500
_EMAIL = re.compile(
    r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$"
)
# Letters of other alphabets too: names such as açaí.com.br are registered under .br.
_URL = re.compile(
    r"^(https?://)?(?:[^\W_](?:(?:[^\W_]|-){0,61}[^\W_])?\.)+[^\W\d_]{2,63}(?::\d{1,5})?(?:[/?#]\S*)?$", re.IGNORECASE
)
_NUMBER_TEXT = re.compile(
    r"^([+-]?)\s*(?:r\$|us\$|\$|€|brl|usd|eur)?\s*([+-]?)\s*([\d.,\s]*\d)\s*"
    r"(?:%|r\$|€|reais|real|euros?|d[oó]lar(?:es)?|dollars?|pesos?)?[.,;!]*$"
)
_BLANKS_OF_THOUSANDS = re.compile(r"^\d{1,3}(?:\s\d{3})+(?:[.,]\d+)?$")
_THOUSANDS: Final = {mark: re.compile(rf"^\d{{1,3}}(?:\{mark}\d{{3}})+$") for mark in ".,"}


@dataclass(frozen=True, slots=True)
class Rules:
    """What an answer must fulfil. ``minimum``/``maximum`` bound the length of texts and the value of
    numbers; ``pattern`` is an RE2 expression for the whole text (kind regex)."""

    kind: AnswerKind = "text"
    minimum: float | None = None
    maximum: float | None = None
    pattern: str = ""
    locale: str = "pt_BR"
    region: str = "BR"
    """Country (ISO code) of phone numbers written without one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The verdict: ``ok`` with the normalised ``value``, else ``why`` not."""

    ok: bool
    value: JsonValue = None
    why: str = ""


def _no(why: str) -> Answer:
    return Answer(ok=False, why=why)


def check_answer(rules: Rules, given: LastInput, today: datetime) -> Answer:
    """Validate an answer. ``today`` is the contact's local moment."""
    return _CHECKS[rules.kind](rules, given, today)


def _text(rules: Rules, given: LastInput, _today: datetime) -> Answer:
    text = given.text.strip()
    if not text:
        return _no("no text")
    return _bounded(rules, text, len(text), "length")


def _bounded(rules: Rules, value: JsonValue, measure: float, what: str) -> Answer:
    if rules.minimum is not None and measure < rules.minimum:
        return _no(f"{what} below {rules.minimum:g}")
    if rules.maximum is not None and measure > rules.maximum:
        return _no(f"{what} above {rules.maximum:g}")
    return Answer(ok=True, value=value, why="valid")


def parse_number(text: str, locale: str = "pt_BR") -> float | int | None:
    """A number as people write it: ``1.234,56``, ``1,234.56``, ``R$ 10``, ``10 reais``. One separator followed by
    exactly three digits follows the language (thousands in pt/es for a dot, in en for a comma). What isn't
    written as one number (``1.2.3``, ``12.5.2026``, ``3 4``) is none."""
    match = _NUMBER_TEXT.match(text.strip().lower()[:40])
    if match is None or (match[1] and match[2]):
        return None
    digits = match[3]
    if not digits.isalnum() and any(c.isspace() for c in digits):
        if not _BLANKS_OF_THOUSANDS.match(digits):
            return None
        digits = "".join(digits.split())
    dot, comma = digits.rfind("."), digits.rfind(",")
    whole, mark, part = digits, "", ""
    if dot >= 0 and comma >= 0:
        whole, mark, part = digits.rpartition("." if dot > comma else ",")
        thousands = "," if mark == "." else "."
    elif digits.count(".") > 1 or digits.count(",") > 1:
        thousands = "." if dot >= 0 else ","
    elif dot >= 0 or comma >= 0:
        single = "." if dot >= 0 else ","
        grouped = _THOUSANDS[single].match(digits) is not None and not digits.startswith("0")
        thousands = single if grouped and (single == ",") == (locale == "en") else ""
        if not thousands:
            whole, mark, part = digits.partition(single)
    else:
        thousands = ""
    if thousands and thousands in whole:
        if not _THOUSANDS[thousands].match(whole):
            return None
        whole = whole.replace(thousands, "")
    try:
        number = float(f"{match[1] or match[2]}{whole or 0}.{part or 0}")
    except ValueError:
        return None
    return int(number) if number.is_integer() and abs(number) < 1e15 else number


def _number(rules: Rules, given: LastInput, _today: datetime) -> Answer:
    number = parse_number(given.text, rules.locale)
    if number is None:
        return _no("not a number")
    if rules.kind == "integer" and not isinstance(number, int):
        return _no("not a whole number")
    return _bounded(rules, number, number, "value")


def _email(_rules: Rules, given: LastInput, _today: datetime) -> Answer:
    # People end sentences, and telephones put angle brackets around addresses.
    text = given.text.strip().strip("<>").rstrip(".,;!")
    local, _, domain = text.rpartition("@")
    if len(text) > 254 or not _EMAIL.match(text) or ".." in text or local.startswith(".") or local.endswith("."):
        return _no("not an e-mail address")
    return Answer(ok=True, value=f"{local}@{domain.lower()}", why="valid")


def normalize_phone(text: str, region: str = "BR") -> str | None:
    """E.164 of a phone number, or None. Brazilian mobiles written without their ninth digit get it."""
    try:
        number = phonenumbers.parse(text.strip()[:40], region)
    except phonenumbers.NumberParseException:
        return None
    national = str(number.national_number)
    if number.country_code == 55 and len(national) == 10 and national[2] in "6789":
        number.national_number = int(f"{national[:2]}9{national[2:]}")
    if not phonenumbers.is_valid_number(number):
        digits = "".join(c for c in text if c.isdigit())
        if text.strip().startswith("+") or len(digits) < 12:
            return None
        return normalize_phone(f"+{digits}", region)
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


@lru_cache(maxsize=1024)
def region_of(phone: str) -> str:
    """The country of a phone number written in full (with or without a plus), Brazil when it can't be told: who writes
    from Mexico means a Mexican number."""
    digits = "".join(c for c in phone[:40] if c.isdigit())
    try:
        number = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return "BR"
    return phonenumbers.region_code_for_number(number) or "BR"


def _phone(rules: Rules, given: LastInput, _today: datetime) -> Answer:
    number = normalize_phone(given.text, rules.region)
    if number:
        return Answer(ok=True, value=number, why="valid")
    return _no(NO_AREA_CODE if lacks_area_code(given.text, rules.region) else "not a phone number")


NO_AREA_CODE: Final = "a phone number without its area code"
_LOCAL_BR: Final = range(7, 10)
"""Digits of a Brazilian number without its DDD; phonenumbers calls some of these lengths possible as they are."""


def lacks_area_code(text: str, region: str) -> bool:
    """Is this a number as neighbours write it, which nobody can tell the place of?"""
    if text.strip().startswith("+"):
        return False
    try:
        number = phonenumbers.parse(text.strip()[:40], region)
    except phonenumbers.NumberParseException:
        return False
    if region == "BR":
        return len(str(number.national_number)) in _LOCAL_BR
    reason = phonenumbers.is_possible_number_with_reason(number)
    return bool(reason == phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY)


@lru_cache(maxsize=256)
def sample_phone(region: str) -> str:
    """A number that nobody has, as people of a country write theirs in full."""
    number = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    if number is None:
        return ""
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL))


def _date(rules: Rules, given: LastInput, today: datetime) -> Answer:
    day = parse_date(given.text, today.date(), rules.locale)
    return Answer(ok=True, value=day.isoformat(), why="valid") if day else _no("not a date")


def _time(_rules: Rules, given: LastInput, _today: datetime) -> Answer:
    moment = parse_time(given.text)
    return Answer(ok=True, value=moment.strftime("%H:%M"), why="valid") if moment else _no("not a time")


def valid_cpf(digits: str) -> bool:
    """Check digits of a CPF (Receita Federal, modulo 11); repeated digits are refused."""
    if len(digits) != 11 or not digits.isascii() or not digits.isdigit() or len(set(digits)) == 1:
        return False
    for size in (9, 10):
        total = sum(int(d) * w for d, w in zip(digits, range(size + 1, 1, -1), strict=False))
        if (total * 10) % 11 % 10 != int(digits[size]):
            return False
    return True


def valid_cnpj(code: str) -> bool:
    """Check digits of a CNPJ, numeric or alphanumeric (Receita Federal IN RFB 2.229/2024: a character's
    value is its ASCII code minus 48; the two check digits stay digits)."""
    if len(code) != 14 or not code.isascii() or not code.isalnum() or not code[12:].isdigit() or len(set(code)) == 1:
        return False
    values = [ord(c) - 48 for c in code.upper()]
    for size in (12, 13):
        weights = [(size - 1 - i) % 8 + 2 for i in range(size)]
        rest = sum(v * w for v, w in zip(values, weights, strict=False)) % 11
        if (0 if rest < 2 else 11 - rest) != values[size]:
            return False
    return True


_DASHES: Final = "-‐‑‒–—"
"""Telephones write longer ones by themselves."""


def _plain(text: str, marks: str) -> str:
    return "".join(c for c in text.strip()[:40] if c not in marks and c not in _DASHES)


def _cpf(_rules: Rules, given: LastInput, _today: datetime) -> Answer:
    digits = _plain(given.text, " ./")
    return Answer(ok=True, value=digits, why="valid") if valid_cpf(digits) else _no("not a CPF")


def _cnpj(_rules: Rules, given: LastInput, _today: datetime) -> Answer:
    code = _plain(given.text, " ./").upper()
    return Answer(ok=True, value=code, why="valid") if valid_cnpj(code) else _no("not a CNPJ")


def _cep(_rules: Rules, given: LastInput, _today: datetime) -> Answer:
    digits = _plain(given.text, " .")
    ok = len(digits) == 8 and digits.isascii() and digits.isdigit() and digits != "00000000"
    return Answer(ok=True, value=digits, why="valid") if ok else _no("not a CEP")


def _url(_rules: Rules, given: LastInput, _today: datetime) -> Answer:
    text = given.text.strip()
    match = _URL.match(text) if len(text) <= 2000 else None
    if match is None:
        return _no("not a link")
    return Answer(ok=True, value=text if match[1] else f"https://{text}", why="valid")


def _file(_rules: Rules, given: LastInput, _today: datetime) -> Answer:
    value = given.media_url or given.media_id
    return Answer(ok=True, value=value, why="valid") if value else _no("no file")


def _location(_rules: Rules, given: LastInput, _today: datetime) -> Answer:
    if given.latitude is None or given.longitude is None:
        return _no("no location")
    return Answer(ok=True, value={"latitude": given.latitude, "longitude": given.longitude}, why="valid")


@lru_cache(maxsize=1024)
def compile_re2(pattern: str) -> Any:
    """An RE2 pattern (linear time whatever the text), or None."""
    if len(pattern) > MAX_PATTERN_CHARS:
        return None
    options = re2.Options()
    options.max_mem = 1 << 20
    options.log_errors = False
    options.case_sensitive = False
    try:
        return re2.compile(pattern, options)
    except re2.error:
        return None


def _regex(rules: Rules, given: LastInput, _today: datetime) -> Answer:
    pattern = compile_re2(rules.pattern)
    if pattern is None:
        return _no("the pattern is invalid")
    text = given.text.strip()
    return Answer(ok=True, value=text, why="valid") if text and pattern.fullmatch(text) else _no("no match")


_CHECKS: Final[dict[str, Callable[[Rules, LastInput, datetime], Answer]]] = {
    "text": _text, "number": _number, "integer": _number, "email": _email, "phone": _phone, "date": _date,
    "time": _time, "cpf": _cpf, "cnpj": _cnpj, "cep": _cep, "url": _url, "file": _file, "location": _location,
    "regex": _regex,
}  # fmt: skip

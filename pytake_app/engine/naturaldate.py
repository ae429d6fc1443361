"""Dates and times as people write them in Portuguese, English and Spanish, relative to a given day."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, time, timedelta
from typing import Final

from pytake_app.engine.textmatch import fold_answer

_MONTH_NAMES: Final = {
    "jan": 1, "ene": 1, "feb": 2, "fev": 2, "mar": 3, "apr": 4, "abr": 4, "may": 5, "mai": 5, "jun": 6, "jul": 7,
    "aug": 8, "ago": 8, "sep": 9, "set": 9, "oct": 10, "out": 10, "nov": 11, "dec": 12, "dez": 12, "dic": 12,
}  # fmt: skip
_MONTH_WORDS = (
    "january february march april may june july august september october november december "
    "janeiro fevereiro marco abril maio junho julho agosto setembro outubro novembro dezembro "
    "enero febrero marzo mayo junio julio septiembre setiembre octubre noviembre diciembre"
)
_FULL_MONTHS: Final = frozenset(_MONTH_WORDS.split())
_WEEKDAYS: Final = {
    "monday": 0, "tuesday": 1, "wednesday": 2, "thursday": 3, "friday": 4, "saturday": 5, "sunday": 6,
    "mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6,
    "segunda": 0, "terca": 1, "quarta": 2, "quinta": 3, "sexta": 4, "sabado": 5, "domingo": 6,
    "lunes": 0, "martes": 1, "miercoles": 2, "jueves": 3, "viernes": 4,
}  # fmt: skip
_RELATIVE: Final = {
    "hoje": 0, "hoy": 0, "today": 0, "amanha": 1, "tomorrow": 1, "manana": 1, "ontem": -1, "yesterday": -1,
    "ayer": -1, "depois de amanha": 2, "pasado manana": 2, "day after tomorrow": 2, "the day after tomorrow": 2,
    "anteontem": -2, "antes de ontem": -2, "anteayer": -2, "day before yesterday": -2,
}  # fmt: skip
_NUMBER_WORDS: Final = {
    "um": 1, "uma": 1, "un": 1, "una": 1, "a": 1, "an": 1, "one": 1, "dois": 2, "duas": 2, "dos": 2, "two": 2,
    "tres": 3, "three": 3, "quatro": 4, "cuatro": 4, "four": 4, "cinco": 5, "five": 5, "seis": 6, "six": 6,
    "sete": 7, "siete": 7, "seven": 7, "oito": 8, "ocho": 8, "eight": 8, "nove": 9, "nueve": 9, "nine": 9,
    "dez": 10, "diez": 10, "ten": 10,
}  # fmt: skip
_UNITS: Final = (
    (("dia", "dias", "day", "days"), 1),
    (("semana", "semanas", "week", "weeks"), 7),
    (("mes", "meses", "month", "months"), 30),
    (("ano", "anos", "year", "years"), 365),
)
_NUMERIC = re.compile(r"^(\d{1,2})\s*[/.-]\s*(\d{1,2})(?:\s*[/.-]\s*(\d{4}|\d{2}))?$")
_ISO = re.compile(r"^(\d{4})[/.-](\d{1,2})[/.-](\d{1,2})$")
_COMPACT = re.compile(r"^(\d{2})(\d{2})(\d{4})$")
_DAY_MONTH = re.compile(
    r"^(\d{1,2})(?:º|o|st|nd|rd|th)?(?: de | del | of | )([a-z]+)\.?(?:(?: de | del | |, ?)(\d{4}))?$"
)
_MONTH_DAY = re.compile(r"^([a-z]+)\.? (\d{1,2})(?:st|nd|rd|th)?(?:,? (\d{4}))?$")
_AHEAD = re.compile(r"^(?:em|daqui a|dentro de|en|in|within) (\w+) ([a-z]+)$")
_AGO = re.compile(r"^(?:ha |hace )?(\w+) ([a-z]+)(?: atras| ago)?$")
_DAY_ONLY = re.compile(r"^(?:dia|day|el dia|the) (\d{1,2})(?:st|nd|rd|th)?$")
_CLOCK = re.compile(
    r"^(\d{1,2})(?:\s*(?::|h|hs|\.)\s*(\d{2})(?::\d{2})?)?\s*(?:h|hs|hrs|horas?|min|o'?clock)?\s*(a\.?m\.?|p\.?m\.?)?$"
)
_FILLERS = re.compile(r"^(?:no |na |em |on |el |la |as |a |at |the |proxima |proximo |next |this |esta |este |para )+")
_PART_OF_DAY = (
    (("da manha", "de la manana", "in the morning", "de manha"), 0),
    (("da tarde", "de la tarde", "in the afternoon", "da noite", "de la noche", "at night", "in the evening"), 12),
)
_NAMED_TIMES: Final = {
    "meio dia": time(12), "meio-dia": time(12), "mediodia": time(12), "noon": time(12), "midday": time(12),
    "meia noite": time(0), "meia-noite": time(0), "medianoche": time(0), "midnight": time(0),
}  # fmt: skip


def _safe(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _year(text: str | None, today: date) -> int | None:
    if not text:
        return None
    if len(text) == 2:
        century = today.year // 100 * 100
        guess = century + int(text)
        return guess - 100 if guess > today.year + 20 else guess
    return int(text)


def _yearless(month: int, day: int, today: date) -> date | None:
    """The next such day, from today on (29 February: the next one that exists)."""
    for year in range(today.year, today.year + 9):
        found = _safe(year, month, day)
        if found is not None and found >= today:
            return found
    return None


def _month(word: str) -> int | None:
    if word in _FULL_MONTHS or len(word) == 3 or word in ("sept", "setem"):
        return _MONTH_NAMES.get(word[:3])
    return None


def _count(word: str) -> int | None:
    return int(word) if word.isdigit() and len(word) <= 4 else _NUMBER_WORDS.get(word)


def _shift(today: date, count: int, unit: str) -> date | None:
    for names, days in _UNITS:
        if unit not in names:
            continue
        if days < 30:
            return _within(today, count * days)
        months = today.year * 12 + today.month - 1 + count * (12 if days == 365 else 1)
        year, month = divmod(months, 12)
        if not 1 <= year <= 9998:
            return None
        return date(year, month + 1, min(today.day, monthrange(year, month + 1)[1]))
    return None


def _within(today: date, days: int) -> date | None:
    return today + timedelta(days=days) if abs(days) < 400_000 else None


def parse_date(text: str, today: date, locale: str) -> date | None:
    """The day a text means, or None. Day before month, except in English (where a first number above
    12 is a day). A day without a year is the next such day."""
    answer = fold_answer(text[:60]).replace("-feira", "").replace(" feira", "")
    if answer in _RELATIVE:
        return _within(today, _RELATIVE[answer])
    if match := _ISO.match(answer):
        return _safe(int(match[1]), int(match[2]), int(match[3]))
    if match := _NUMERIC.match(answer) or _COMPACT.match(answer):
        first, second, year = int(match[1]), int(match[2]), _year(match[3], today)
        if locale == "en" and first <= 12:
            first, second = second, first
        return _safe(year, second, first) if year is not None else _yearless(second, first, today)
    if match := _AHEAD.match(answer):
        count = _count(match[1])
        return _shift(today, count, match[2]) if count is not None else None
    if ("atras" in answer or answer.startswith(("ha ", "hace ")) or answer.endswith(" ago")) and (
        match := _AGO.match(answer)
    ):
        count = _count(match[1])
        return _shift(today, -count, match[2]) if count is not None else None
    if match := _DAY_ONLY.match(answer):
        return _next_day_of_month(today, int(match[1]))
    if match := _DAY_MONTH.match(_FILLERS.sub("", answer).removeprefix("dia ")):
        return _named(match[2], int(match[1]), match[3], today)
    if match := _MONTH_DAY.match(_FILLERS.sub("", answer)):
        return _named(match[1], int(match[2]), match[3], today)
    weekday = _WEEKDAYS.get(_FILLERS.sub("", answer).removesuffix(" que vem").removesuffix(" que viene"))
    if weekday is not None:
        return today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)
    return None


def _named(name: str, day: int, year: str | None, today: date) -> date | None:
    month = _month(name)
    if month is None:
        return None
    return _safe(int(year), month, day) if year else _yearless(month, day, today)


def _next_day_of_month(today: date, day: int) -> date | None:
    year, month = today.year, today.month
    for _ in range(13):
        found = _safe(year, month, day)
        if found is not None and found >= today:
            return found
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return None


def parse_time(text: str) -> time | None:
    """The time of day a text means (``14:30``, ``14h30``, ``2pm``, ``9 da manhã``, ``meio-dia``)."""
    answer = _FILLERS.sub("", fold_answer(text[:40]))
    if answer in _NAMED_TIMES:
        return _NAMED_TIMES[answer]
    shift: int | None = None
    for names, hours in _PART_OF_DAY:
        for name in names:
            if answer.endswith(" " + name):
                answer, shift = answer.removesuffix(" " + name).strip(), hours
    half = answer.endswith((" e meia", " y media"))
    answer = answer.removesuffix(" e meia").removesuffix(" y media").strip()
    match = _CLOCK.match(answer)
    if match is None:
        return None
    hour, minute = int(match[1]), int(match[2] or (30 if half else 0))
    if match[3]:
        if not 1 <= hour <= 12:
            return None
        shift = 12 if match[3].startswith("p") else 0
        hour %= 12
        return time(hour + shift, minute) if minute < 60 else None
    if shift == 12 and 1 <= hour < 12:
        hour += 12
    return time(hour, minute) if hour < 24 and minute < 60 else None

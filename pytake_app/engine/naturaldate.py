"""Dates and times as people write them in Portuguese, English and Spanish, relative to a given day."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
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
    "seg": 0, "ter": 1, "qua": 2, "qui": 3, "sex": 4, "sab": 5, "dom": 6, "lun": 0, "mie": 2, "jue": 3, "vie": 4,
    "2a": 0, "3a": 1, "4a": 2, "5a": 3, "6a": 4,
}  # fmt: skip
_RELATIVE: Final = {
    "hoje": 0, "hoy": 0, "today": 0, "amanha": 1, "tomorrow": 1, "manana": 1, "ontem": -1, "yesterday": -1,
    "ayer": -1, "depois de amanha": 2, "pasado manana": 2, "day after tomorrow": 2, "the day after tomorrow": 2,
    "hj": 0, "agora": 0, "tmrw": 1, "anteontem": -2, "antes de ontem": -2, "anteayer": -2, "day before yesterday": -2,
}  # fmt: skip
_NUMBER_WORDS: Final = {
    "um": 1, "uma": 1, "un": 1, "una": 1, "a": 1, "an": 1, "one": 1, "dois": 2, "duas": 2, "dos": 2, "two": 2,
    "tres": 3, "three": 3, "quatro": 4, "cuatro": 4, "four": 4, "cinco": 5, "five": 5, "seis": 6, "six": 6,
    "sete": 7, "siete": 7, "seven": 7, "oito": 8, "ocho": 8, "eight": 8, "nove": 9, "nueve": 9, "nine": 9,
    "dez": 10, "diez": 10, "ten": 10, "onze": 11, "once": 11, "eleven": 11, "doze": 12, "doce": 12, "twelve": 12,
    "quinze": 15, "quince": 15, "fifteen": 15, "vinte": 20, "veinte": 20, "twenty": 20, "trinta": 30, "treinta": 30,
    "thirty": 30,
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
    r"^(\d{1,2})(?:º|°|o|st|nd|rd|th)?(?: de | del | of | ?[/-] ?| )([a-z]+)\.?"
    r"(?:(?: de | del | |, ?| ?[/-] ?)(\d{4}))?$"
)
_MONTH_DAY = re.compile(r"^([a-z]+)\.? (\d{1,2})(?:st|nd|rd|th)?(?:,? (\d{4}))?$")
_AHEAD = re.compile(r"^(?:em|daqui a|daqui|de aqui a|dentro de|en|in|within) (\w+) ([a-z]+)$")
_FROM_NOW = re.compile(r"^(\w+) ([a-z]+) (?:from now|from today|a partir de hoje|a partir de hoy)$")
_AGO = re.compile(r"^(?:ha |hace )?(\w+) ([a-z]+)(?: atras| ago)?$")
_DAY_ONLY = re.compile(r"^(?:dia|day|el dia|the|el) (\d{1,2})(?:º|°|o|st|nd|rd|th)?$")
_FIRST_OF = re.compile(r"^(dia |el dia |el )?(?:primeiro|primero)(?= de | del |$)")
_CLOCK = re.compile(
    r"^(\d{1,2})(?:\s*(?::|h|hs|\.)\s*(\d{2})(?::\d{2})?)?\s*(?:h|hs|hrs|horas?|min|o'?clock)?\s*(a\.?m\.?|p\.?m\.?)?$"
)
_FILLERS = re.compile(
    r"^(?:pode ser |puede ser |umas |por volta das |por volta de |a eso de |around |about |no |na |nessa |nesta |em |"
    r"on |el |la |las |as |a |at |the |proxima |proximo |next |this |esta |este |essa |para |pra |pro )+"
)
_PLEASE = re.compile(r"[ ,]+(?:por favor|pfv|pf|please|mesmo|agora|ok)$")
_PART_OF_DAY = (
    (("da manha", "de la manana", "in the morning", "de manha"), 0),
    (("da madrugada", "de la madrugada", "de madrugada"), 0),
    (("da tarde", "de la tarde", "in the afternoon", "da noite", "de la noche", "at night", "in the evening"), 12),
)
_AT_NIGHT: Final = ("da noite", "de la noche", "at night", "da madrugada", "de la madrugada", "de madrugada")
_SOME_TIME: Final = frozenset(
    {"cedo", "temprano", "de manha", "pela manha", "da manha", "a tarde", "de tarde", "pela tarde", "da tarde",
     "a noite", "de noite", "da noite", "por la manana", "por la tarde", "por la noche", "in the morning",
     "in the afternoon", "in the evening", "morning", "afternoon", "evening", "at night"}
)  # fmt: skip
"""Parts of the day beside a date: they say nothing of the day, and no time either."""
_NEXT_WEEK: Final = (" da semana que vem", " da proxima semana", " de la semana que viene", " de la proxima semana",
                     " of next week", " next week")  # fmt: skip
_MARKED_TIME = re.compile(r"^(?:as |a las |a la |at |las )|[a-z:]")
_PAST_HOUR = re.compile(r"^(half past|quarter past|a quarter past|quarter to|a quarter to) (\w+)$")
_HOUR_WORD = re.compile(r"^([a-z]+)(?= |$)")
_AND_MINUTES = re.compile(r"^(\d{1,2}) (?:e|y) (\d{1,2}|quinze|quince|cuarto|meia|media)$")
_NAMED_TIMES: Final = {
    "meio dia": time(12), "meio-dia": time(12), "mediodia": time(12), "noon": time(12), "midday": time(12),
    "meia noite": time(0), "meia-noite": time(0), "medianoche": time(0), "midnight": time(0),
}  # fmt: skip

_HOURS: Final = {word: count for word, count in _NUMBER_WORDS.items() if word not in ("a", "an", "um", "un")}
_MINUTES: Final = {"quinze": 15, "quince": 15, "cuarto": 15, "meia": 30, "media": 30}
_ANY_DAY: Final = date(2024, 1, 1)
"""A day in a leap year, for asking whether a text is a date at all."""
_MAX_WORDS: Final = 10


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
    12 is a day). A day without a year is the next such day. A time or a part of the day beside it
    (``amanhã às 15h``, ``tomorrow morning``) doesn't matter; a weekday beside a date must be that date's."""
    answer = _plain(text)
    found = _day(answer, today, locale)
    if found is not None:
        return found
    for day, rest in _halves(answer):
        if rest in _SOME_TIME or _is_time(rest):
            found = _day(day, today, locale)
            if found is not None:
                return found
    return None


def _plain(text: str) -> str:
    answer = fold_answer(text[:80]).replace("-feira", "").replace(" feira", "")
    return _PLEASE.sub("", answer)


def _halves(answer: str) -> Iterator[tuple[str, str]]:
    """Every way to part a text in two at a blank, both ways round: (day, rest)."""
    words = answer.split(" ")
    for at in range(1, min(len(words), _MAX_WORDS)):
        left, right = " ".join(words[:at]).rstrip(","), " ".join(words[at:])
        yield left, right
        yield right.removeprefix("de ").removeprefix("do "), left


def _is_time(text: str) -> bool:
    """Is it surely a time of day? A bare number isn't: it may belong to the date."""
    return _MARKED_TIME.search(text) is not None and _clock(text) is not None


def _day(answer: str, today: date, locale: str) -> date | None:
    """:func:`parse_date` of a text that says nothing but the day."""
    answer = _FIRST_OF.sub(lambda match: f"{match[1] or ''}1", answer)
    bare = _FILLERS.sub("", answer)
    for word in (answer, bare):
        if word in _RELATIVE:
            return _within(today, _RELATIVE[word])
    if match := _ISO.match(bare):
        return _safe(int(match[1]), int(match[2]), int(match[3]))
    if match := _NUMERIC.match(bare.removeprefix("dia ")) or _COMPACT.match(bare):
        first, second, year = int(match[1]), int(match[2]), _year(match[3], today)
        if locale == "en" and first <= 12:
            first, second = second, first
        return _safe(year, second, first) if year is not None else _yearless(second, first, today)
    if match := _AHEAD.match(answer) or _FROM_NOW.match(answer):
        count = _count(match[1])
        return _shift(today, count, match[2]) if count is not None else None
    if ("atras" in answer or answer.startswith(("ha ", "hace ")) or answer.endswith(" ago")) and (
        match := _AGO.match(answer)
    ):
        count = _count(match[1])
        return _shift(today, -count, match[2]) if count is not None else None
    if match := _DAY_ONLY.match(answer) or _DAY_ONLY.match(bare):
        return _next_day_of_month(today, int(match[1]))
    if match := _DAY_MONTH.match(bare.removeprefix("dia ")):
        return _named(match[2], int(match[1]), match[3], today)
    if match := _MONTH_DAY.match(bare):
        return _named(match[1], int(match[2]), match[3], today)
    return _weekday(bare, today, locale)


def _weekday(bare: str, today: date, locale: str) -> date | None:
    """``sexta``, ``sexta que vem``, ``sexta da semana que vem``, and a weekday before the date it falls on."""
    weekday = _WEEKDAYS.get(bare.removesuffix(" que vem").removesuffix(" que viene"))
    if weekday is not None:
        return today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)
    for ending in _NEXT_WEEK:
        weekday = _WEEKDAYS.get(bare.removesuffix(ending)) if bare.endswith(ending) else None
        if weekday is not None:
            return today + timedelta(days=7 - today.weekday() + weekday)
    name, _, rest = bare.partition(" ")
    weekday = _WEEKDAYS.get(name.rstrip(","))
    if weekday is None or not rest or rest.startswith(("que ", "da ", "de ")):
        return None
    found = _day(rest.lstrip(","), today, locale)
    return found if found is not None and found.weekday() == weekday else None


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
    """The time of day a text means (``14:30``, ``14h30``, ``2pm``, ``9 da manhã``, ``meio-dia``, ``três e meia da
    tarde``, ``half past two``); a day beside it (``amanhã às 15h``) doesn't matter."""
    answer = _plain(text)
    found = _clock(answer)
    if found is not None:
        return found
    for day, rest in _halves(answer):
        if _is_time(rest) and _day(day, _ANY_DAY, "pt_BR") is not None:
            return _clock(rest)
    return None


def _clock(answer: str) -> time | None:
    """:func:`parse_time` of a text that says nothing but the time."""
    given = answer
    answer = _FILLERS.sub("", answer)
    if answer in _NAMED_TIMES:
        return _NAMED_TIMES[answer]
    if match := _PAST_HOUR.match(answer):
        return _past(match[1], _count(match[2]))
    shift: int | None = None
    night = answer.endswith(_AT_NIGHT)
    for names, hours in _PART_OF_DAY:
        for name in names:
            if answer.endswith(" " + name):
                answer, shift = answer.removesuffix(" " + name).strip(), hours
    half = answer.endswith((" e meia", " y media"))
    whole = answer.removesuffix(" e meia").removesuffix(" y media").strip()
    if half and whole in _NAMED_TIMES:
        return _NAMED_TIMES[whole].replace(minute=30)
    worded = _HOUR_WORD.sub(lambda match: str(_HOURS.get(match[1], match[1])), answer)
    if worded.isdigit() and worded != answer and shift is None and given == answer:
        return None  # a number word by itself is no time
    if match := _AND_MINUTES.match(worded):
        minutes = _MINUTES.get(match[2]) or int(match[2])
        return _at(int(match[1]), minutes, shift, night=night)
    match = _CLOCK.match(worded.removesuffix(" e meia").removesuffix(" y media").strip())
    if match is None:
        return None
    hour, minute = int(match[1]), int(match[2] or (30 if half else 0))
    if match[3]:
        if not 1 <= hour <= 12:
            return None
        shift = 12 if match[3].startswith("p") else 0
        hour %= 12
        return time(hour + shift, minute) if minute < 60 else None
    return _at(hour, minute, shift, night=night)


def _at(hour: int, minute: int, shift: int | None, *, night: bool) -> time | None:
    if night and hour == 12:
        hour = 0
    elif shift == 12 and 1 <= hour < 12:
        hour += 12
    if hour == 24 and minute == 0:
        hour = 0
    return time(hour, minute) if hour < 24 and minute < 60 else None


def _past(how: str, hour: int | None) -> time | None:
    if hour is None or not 1 <= hour <= 12:
        return None
    if how.endswith("to"):
        return time(hour - 1, 45)
    return time(hour % 24, 30 if how == "half past" else 15)

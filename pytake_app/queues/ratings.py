"""How contacts rate the service: what they say means which score, and whether they were asked. For the pipeline.

A contact is asked after the close (`csat`). What they answer belongs to the closed conversation: it opens none and
starts no automation. Nothing is looked up unless a message could be an answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from pytake_app.engine.textmatch import fold_answer
from pytake_app.messaging.sql import Connection

OPEN_FOR = timedelta(hours=24)
"""An answer counts so long after the question."""
PREFIX = "csat:"
"""Ids of the question's options: `csat:<item>:<score>`."""
COMMENT_LENGTH = 1000
# Folded words (accents, case and punctuation aside) that answer alone; pt, en, es.
_WORDS = {
    5: ("otimo", "otima", "excelente", "perfeito", "perfeita", "maravilhoso", "maravilhosa", "muito satisfeito",
        "muito satisfeita", "great", "excellent", "perfect", "very satisfied", "excelente servicio", "perfecto",
        "muy satisfecho", "muy satisfecha", "muy bien", "muito bom", "muito boa", "very good", "muy bueno", "cinco",
        "five", "nota 5", "nota cinco"),
    4: ("bom", "boa", "satisfeito", "satisfeita", "good", "satisfied", "bueno", "buena", "satisfecho", "satisfecha",
        "quatro", "four", "cuatro"),
    3: ("regular", "mais ou menos", "neutro", "ok", "average", "so so", "neutral", "mas o menos", "tres", "three"),
    2: ("ruim", "insatisfeito", "insatisfeita", "bad", "poor", "dissatisfied", "malo", "mala", "insatisfecho",
        "insatisfecha", "dois", "two", "dos"),
    1: ("pessimo", "pessima", "horrivel", "terrivel", "muito ruim", "terrible", "awful", "very bad", "pesimo",
        "pesima", "horrible", "muy malo", "muy mala", "um", "one", "uno"),
}  # fmt: skip
_SCORES = {word: score for score, words in _WORDS.items() for word in words}
_STARS = re.compile(r"^\s*((?:[⭐★🌟]\ufe0f?\s*){1,5})([^⭐★🌟].*)?$", re.DOTALL)
# "5", "5!", "nota 5", "5/5", "5 - muito rápido"; not "5 pizzas", "50", "5,50" nor "12/5".
_NUMBER = re.compile(
    r"^\s*(?:nota|note|score|puntuacion|puntuación)?\s*([1-5])\ufe0f?\u20e3?\s*(?:/\s*5|estrelas?|stars?|estrellas?)?"
    r"\s*(?:[.!…]*\s*$|[-–—:;,.!\n]\s*(?=\D)(\S.*)$)",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Rating:
    """What somebody said. `item_id`: the place the chosen option belongs to; None: said in words."""

    score: int
    comment: str = ""
    item_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that may still be answered."""

    item_id: UUID
    conversation_id: UUID


def option_id(item_id: UUID, score: int) -> str:
    """The id of an option of the question."""
    return f"{PREFIX}{item_id}:{score}"


def read(text: str, selection_id: str | None) -> Rating | None:
    """The rating that a message says; None: it is none. Pure."""
    if selection_id is not None:
        if not selection_id.startswith(PREFIX):
            return None
        item_id, _, score = selection_id.removeprefix(PREFIX).partition(":")
        try:
            return Rating(int(score), item_id=UUID(item_id)) if score in "12345" and score else None
        except ValueError:
            return None
    if not text or len(text) > COMMENT_LENGTH:
        return None
    number = _NUMBER.match(text)
    if number is not None:
        return Rating(int(number[1]), (number[2] or "").strip())
    stars = _STARS.match(text)
    if stars is not None:
        return Rating(sum(one in "⭐★🌟" for one in stars[1]), (stars[2] or "").strip())
    folded = fold_answer(text)
    if folded in _SCORES:
        return Rating(_SCORES[folded])
    # "Ótimo, resolveram rápido": a word, then more after a comma or a full stop.
    first, separator, rest = _split(text)
    said = _SCORES.get(fold_answer(first)) if separator else None
    return Rating(said, rest.strip()) if said is not None and rest.strip() else None


def _split(text: str) -> tuple[str, str, str]:
    found = re.search(r"[,.;:!\n–—]", text)
    return (text[: found.start()], found[0], text[found.end() :]) if found else (text, "", "")


_FIND = """
SELECT i.id, i.conversation_id FROM queue_items i
JOIN conversations c ON c.id = i.conversation_id AND c.channel_account_id = %(account)s
WHERE i.contact_id = %(contact)s AND i.csat_state IN ('asked', 'answered', 'thanked')
  AND i.csat_asked_at > %(since)s
  AND (CASE WHEN %(item)s::uuid IS NULL THEN i.csat_state = 'asked' AND c.status NOT IN ('open', 'pending')
       ELSE i.id = %(item)s::uuid END)
ORDER BY i.csat_asked_at DESC LIMIT 1
"""


def find_asked(
    connection: Connection, contact_id: UUID, channel_account_id: UUID, item_id: UUID | None, now: datetime
) -> Asked | None:
    """The question that a contact answers.

    Parameters:
        item_id: the one whose option was chosen, which may be chosen anew, and when the conversation goes on again;
            None: the latest without an answer, while it is closed.
    """
    values = {"contact": contact_id, "account": channel_account_id, "item": item_id, "since": now - OPEN_FOR}
    row = connection.execute(_FIND, values).fetchone()
    return Asked(row[0], row[1]) if row is not None else None

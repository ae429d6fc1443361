"""``bench classifier``: how often the built-in intent classifier is right, on sentences it was not trained on.

The set (``intents.txt``) was written for this: everyday requests to shops, clinics and providers in Portuguese and
English, each intent with its examples and with held-out sentences; and sentences that belong to no intent.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

from pytake_app.engine.classifier import train

THRESHOLD = 0.25
"""Default of an `ai_classifier` block."""
FOREIGN = (
    "qual a capital da França", "me conta uma piada", "quem ganhou o jogo ontem", "escreve um poema sobre o mar",
    "what is the capital of France", "tell me a joke", "who won the match yesterday", "asdf qwer zxcv",
    "receita de bolo de cenoura", "traduz isso para japonês",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Intent:
    """One intent of the set."""

    name: str
    portuguese: list[str]
    english: list[str]
    held_portuguese: list[str]
    held_english: list[str]


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares of 1. `rejected`: foreign sentences answered with `other` at the default threshold."""

    intents: int
    examples: int
    held_out: int
    accuracy: float
    portuguese: float
    english: float
    accepted_and_right: float
    rejected: float
    train_ms: float
    classify_us: float


def load() -> list[Intent]:
    """The set."""
    lines = (Path(__file__).parent / "intents.txt").read_text(encoding="utf-8").splitlines()
    intents: list[Intent] = []
    for line in lines:
        if line.strip() and not line.startswith("#"):
            name, *groups = (part.strip() for part in line.split("|"))
            lists = [[text.strip() for text in group.split(";") if text.strip()] for group in groups]
            intents.append(Intent(name, *lists))
    return intents


def measure() -> Figures:
    """Train on the examples, ask the held-out sentences."""
    intents = load()
    began = time.perf_counter()
    classifier = train([(i.name, [*i.portuguese, *i.english]) for i in intents])
    trained = time.perf_counter() - began
    right = {"pt": 0, "en": 0}
    asked = {"pt": 0, "en": 0}
    accepted = 0
    began = time.perf_counter()
    for intent in intents:
        for language, texts in (("pt", intent.held_portuguese), ("en", intent.held_english)):
            for text in texts:
                found, score = classifier.classify(text)
                asked[language] += 1
                right[language] += found == intent.name
                accepted += found == intent.name and score >= THRESHOLD
    took = time.perf_counter() - began
    total = sum(asked.values())
    rejected = sum(classifier.classify(text)[1] < THRESHOLD for text in FOREIGN)
    return Figures(
        intents=len(intents),
        examples=sum(len(i.portuguese) + len(i.english) for i in intents),
        held_out=total,
        accuracy=round(sum(right.values()) / total, 3),
        portuguese=round(right["pt"] / asked["pt"], 3),
        english=round(right["en"] / asked["en"], 3),
        accepted_and_right=round(accepted / total, 3),
        rejected=round(rejected / len(FOREIGN), 3),
        train_ms=round(trained * 1000, 1),
        classify_us=round(took / total * 1_000_000, 1),
    )


def run(_argv: list[str]) -> int:
    """Print the figures as one line of JSON."""
    figures = measure()
    names = Figures.__slots__
    print(json.dumps({"bench": "classifier", **{name: getattr(figures, name) for name in names}}))
    return 0

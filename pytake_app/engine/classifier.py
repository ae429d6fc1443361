"""A built-in intent classifier: TF-IDF over words and character trigrams, cosine to the nearest
example. No model file, no key, no download; deterministic."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass

from pytake_app.engine.textmatch import fold

_WORD = re.compile(r"[^\W_]+")
_STOP = frozenset(
    [
        "a",
        "o",
        "e",
        "de",
        "do",
        "da",
        "que",
        "em",
        "um",
        "uma",
        "para",
        "por",
        "com",
        "no",
        "na",
        "os",
        "as",
        "eu",
        "me",
        "meu",
        "minha",
        "se",
        "ao",
        "the",
        "to",
        "of",
        "and",
        "in",
        "is",
        "it",
        "my",
        "i",
        "you",
        "for",
        "on",
        "el",
        "la",
        "los",
        "las",
        "y",
        "en",
        "un",
        "una",
        "mi",
        "con",
        "por",
        "para",
        "quiero",
        "quero",
        "gostaria",
        "would",
        "like",
        "please",
        "favor",
    ]
)
Vector = dict[str, float]


def _features(text: str) -> Counter[str]:
    words = _WORD.findall(fold(text[:500]))
    kept = [w for w in words if w not in _STOP] or words
    counts: Counter[str] = Counter()
    for word in kept:
        counts[word] += 3
        padded = f"^{word}$"
        for at in range(len(padded) - 2):
            counts["#" + padded[at : at + 3]] += 1
    return counts


@dataclass(frozen=True, slots=True)
class Classifier:
    """Trained from the intents' examples by :func:`train`."""

    idf: Vector
    floor: float
    examples: tuple[tuple[str, Vector], ...]

    def classify(self, text: str) -> tuple[str | None, float]:
        """The nearest intent and its similarity, 0 to 1."""
        query = _unit(_features(text), self.idf, self.floor)
        best, score = None, 0.0
        for intent, vector in self.examples:
            small, large = (query, vector) if len(query) < len(vector) else (vector, query)
            likeness = sum(weight * large.get(term, 0.0) for term, weight in small.items())
            if likeness > score + 1e-12:
                best, score = intent, likeness
        return best, min(score, 1.0)


def _unit(counts: Counter[str], idf: Vector, floor: float) -> Vector:
    vector = {term: (1 + math.log(n)) * idf.get(term, floor) for term, n in counts.items()}
    norm = math.sqrt(sum(w * w for w in vector.values())) or 1.0
    return {term: w / norm for term, w in vector.items()}


def train(intents: list[tuple[str, list[str]]]) -> Classifier:
    """Learn from (intent id, examples); every example is one document."""
    documents = [(intent, _features(e)) for intent, examples in intents for e in examples if e.strip()]
    seen: Counter[str] = Counter(term for _, counts in documents for term in counts)
    total = len(documents)
    idf = {term: math.log((1 + total) / (1 + n)) + 1 for term, n in seen.items()}
    # An unknown word tells the examples apart less than a known rare one does.
    floor = math.log(1 + total) * 0.5 + 0.5
    return Classifier(idf, floor, tuple((intent, _unit(counts, idf, floor)) for intent, counts in documents))

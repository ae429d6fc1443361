"""A built-in intent classifier: words, word pairs, character n-grams and what the words are about (`concepts`), TF-IDF
weighted; an intent's likeness is a mix of its nearest examples, its centroid, and its share among all intents. No model
file, no key, no download; deterministic."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from pytake_app.engine.concepts import concepts_of
from pytake_app.engine.textmatch import fold

_WORD = re.compile(r"[^\W_]+")
_STOP_WORDS = """
a o e de do da que em um uma para por com no na os as eu me meu minha se ao the to of and in is it my i you for on el
la los las y en un una mi con quiero quero gostaria would like please favor an be am are was foi ser esta isso este
esse uns pra pro does has have your this that at can will there us we did don voces voce como
"""
_STOP = frozenset(_STOP_WORDS.split())
MAX_CHARS = 500
MAX_TRAINED = 150_000
"""Characters of all examples together that are learnt from: training takes some 15 µs for each, and others wait."""
_LEAST_CHARS = 30
_WORD_WEIGHT, _PAIR, _GRAM, _CONCEPT = 1.6, 1.2, 0.6, 3.0
_NEAREST, _SHARE = 0.3, 0.15

Vector = dict[str, float]


def _features(text: str) -> Vector:
    words = _WORD.findall(fold(text[:MAX_CHARS]))
    kept = [w for w in words if w not in _STOP] or words
    counts: Counter[str] = Counter()
    weights: Vector = {}
    for word in kept:
        counts[word] += 1
        weights[word] = _WORD_WEIGHT
        padded = f"^{word}$"
        for size in (3, 4):
            for at in range(len(padded) - size + 1):
                gram = "#" + padded[at : at + size]
                counts[gram] += 1
                weights[gram] = _GRAM
    near = [f"{one} {two}" for one, two in (*pairwise(words), *pairwise(kept))]
    for term in dict.fromkeys((*words, *near)):
        for name in concepts_of(term):
            counts["=" + name] += 1
            weights["=" + name] = _CONCEPT
    for one, two in pairwise(kept):
        pair = f"{one} {two}"
        counts[pair] += 1
        weights[pair] = _PAIR
    return {term: weights[term] * (1 + math.log(n)) for term, n in counts.items()}


def _unit(vector: Vector, idf: Vector, floor: float) -> Vector:
    weighted = {term: weight * idf.get(term, floor) for term, weight in vector.items()}
    norm = math.sqrt(sum(w * w for w in weighted.values())) or 1.0
    return {term: w / norm for term, w in weighted.items()}


@dataclass(frozen=True, slots=True)
class Classifier:
    """Trained from the intents' examples by :func:`train`."""

    idf: Vector
    floor: float
    intents: tuple[str, ...]
    sizes: tuple[int, ...]
    postings: dict[str, tuple[tuple[int, float], ...]]
    """Term → (example, weight): only what shares a term with the text is looked at."""
    owner: tuple[int, ...]
    """Example → intent."""
    centres: dict[str, tuple[tuple[int, float], ...]]
    """Term → (intent, weight)."""

    def scores(self, text: str) -> list[float]:
        """Likeness to each intent, 0 to 1, in their order."""
        query = _unit(_features(text), self.idf, self.floor)
        near = [0.0] * len(self.owner)
        centre = [0.0] * len(self.intents)
        for term, weight in query.items():
            for example, other in self.postings.get(term, ()):
                near[example] += weight * other
            for intent, other in self.centres.get(term, ()):
                centre[intent] += weight * other
        best: list[list[float]] = [[] for _ in self.intents]
        for example, likeness in enumerate(near):
            best[self.owner[example]].append(likeness)
        total = []
        whole = sum(centre) or 1.0
        for intent, found in enumerate(best):
            top = sorted(found, reverse=True)[:3]
            # The nearest example counts most; agreement of the next ones decides between close calls.
            nearest = top[0] if top else 0.0
            vote = sum(w * t for w, t in zip((0.7, 0.2, 0.1), top, strict=False)) if top else 0.0
            share = centre[intent] / whole
            mixed = _NEAREST * nearest + (1 - _NEAREST) * (0.55 * vote + 0.45 * min(1.0, centre[intent]))
            total.append(min(1.0, mixed * (1 + _SHARE * share)))
        return total

    def classify(self, text: str) -> tuple[str | None, float]:
        """The likeliest intent and its likeness, 0 to 1; the first declared one of equals."""
        best, score = None, 0.0
        for intent, likeness in zip(self.intents, self.scores(text), strict=True):
            if likeness > score + 1e-12:
                best, score = intent, likeness
        return best, score


def train(intents: list[tuple[str, list[str]]]) -> Classifier:
    """Learn from (intent id, examples); every example is one document. Of very many examples only the beginnings
    count (`MAX_TRAINED`)."""
    given = [(n, e) for n, (_, examples) in enumerate(intents) for e in examples if e.strip()]
    most = max(_LEAST_CHARS, min(MAX_CHARS, MAX_TRAINED // max(1, len(given))))
    documents = [(n, _features(e[:most])) for n, e in given]
    seen: Counter[str] = Counter(term for _, terms in documents for term in terms)
    among: dict[str, set[int]] = {}
    for owner, terms in documents:
        for term in terms:
            among.setdefault(term, set()).add(owner)
    total, groups = len(documents), max(1, len(intents))
    # Rare among examples, and (more telling) among intents.
    idf = {
        term: math.log((1 + total) / (1 + n)) * 0.5 + math.log((1 + groups) / (1 + len(among[term]))) + 1
        for term, n in seen.items()
    }
    # An unknown word tells the examples apart less than a known rare one does.
    floor = math.log(1 + total) * 0.35 + 0.5
    units = [(owner, _unit(terms, idf, floor)) for owner, terms in documents]
    postings: dict[str, list[tuple[int, float]]] = {}
    sums: list[Vector] = [{} for _ in intents]
    for number, (owner, unit) in enumerate(units):
        for term, weight in unit.items():
            postings.setdefault(term, []).append((number, weight))
            sums[owner][term] = sums[owner].get(term, 0.0) + weight
    centres: dict[str, list[tuple[int, float]]] = {}
    for owner, vector in enumerate(sums):
        norm = math.sqrt(sum(w * w for w in vector.values())) or 1.0
        for term, weight in vector.items():
            centres.setdefault(term, []).append((owner, weight / norm))
    return Classifier(
        idf,
        floor,
        tuple(name for name, _ in intents),
        tuple(len(examples) for _, examples in intents),
        {term: tuple(found) for term, found in postings.items()},
        tuple(owner for owner, _ in units),
        {term: tuple(found) for term, found in centres.items()},
    )

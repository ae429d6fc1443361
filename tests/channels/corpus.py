"""The payload corpus beside the checkout (``PYTAKE_CORPUS``, else ``../shared/corpus``); never part of the project."""

import json
import os
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

TRIED: Counter[str] = Counter()
EXCLUDED: dict[str, str] = {}


@dataclass(frozen=True)
class Payload:
    """One row of the index with its bytes."""

    file: str
    kind: str
    type: str
    format: str
    provider: str
    tags: frozenset[str]
    expected: dict[str, Any]
    input: Any
    root: Path

    @property
    def body(self) -> bytes:
        return (self.root / self.file).read_bytes()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def __str__(self) -> str:
        return self.file.removeprefix("whatsapp/")


def corpus_root() -> Path | None:
    """Where the corpus lies, or ``None``."""
    named = os.environ.get("PYTAKE_CORPUS")
    root = Path(named) if named else Path(__file__).resolve().parents[2].parent / "shared" / "corpus"
    return root if (root / "index.jsonl").is_file() else None


@cache
def payloads(channel: str, *kinds: str) -> list[Payload]:
    """All payloads of a channel and these kinds; empty without a corpus."""
    root = corpus_root()
    if root is None:
        return []
    found = []
    with (root / "index.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["channel"] == channel and row["kind"] in kinds:
                found.append(
                    Payload(
                        file=row["file"],
                        kind=row["kind"],
                        type=row["type"],
                        format=row["format"],
                        provider=row["provider"],
                        tags=frozenset(row["tags"]),
                        expected=row.get("expected") or {},
                        input=row.get("input"),
                        root=root,
                    )
                )
    return found


@cache
def sequences(channel: str) -> list[dict[str, Any]]:
    """The ordered deliveries of a channel."""
    root = corpus_root()
    if root is None:
        return []
    lines = (root / "sequences.jsonl").read_text(encoding="utf-8").splitlines()
    return [row for row in map(json.loads, lines) if row["channel"] == channel]


def tried(group: str) -> None:
    """Count a payload for the run's summary."""
    TRIED[group] += 1


def excluded(payload: Payload, reason: str) -> None:
    """Note a payload whose ``expected`` is not compared, and why."""
    EXCLUDED[str(payload)] = reason

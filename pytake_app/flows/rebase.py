"""Whether an edit built on an older revision still means the same on the newest one. Pure.

Two edits are at odds when they write the same field of the same thing. What one only adds next to the other (another
node, another field, another port) fits on top. Positions never conflict: the last one to drop a node wins.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from pytake_app.engine.operations import (
    AddNode,
    AddNodes,
    Batch,
    Connect,
    DeleteNodes,
    Disconnect,
    MoveNodes,
    Operation,
    RemoveLanguage,
    ReplaceDocument,
    SetName,
    SetSettings,
    SetTitle,
    SetTranslations,
    UpdateConfig,
)

EVERYTHING = ("document",)
Key = tuple[str, ...]


class Entry(Protocol):
    """What this module must know of a journal entry."""

    revision: int
    undoes: int | None


E = TypeVar("E", bound=Entry)


def standing(entries: Iterable[E]) -> list[E]:
    """Entries, oldest first, without those that cancel each other: an edit and its undo, an undo and its redo.

    An undo of something older than the first entry stands: it changed what was there before.
    """
    found: dict[int, E] = {}
    for entry in entries:
        if entry.undoes is not None and found.pop(entry.undoes, None) is not None:
            continue
        found[entry.revision] = entry
    return list(found.values())


def touched(operation: Operation) -> set[Key]:
    """The fields an operation writes: (`node`, id, field), (`port`, source, port), (`settings`, key), …

    `("node", id)` alone stands for the node's existence, `("document",)` for everything.
    """
    match operation:
        case AddNode():
            return {("node", operation.node.id)}
        case AddNodes():
            return {("node", node.id) for node in operation.nodes} | {
                ("port", edge.source, edge.port) for edge in operation.edges
            }
        case DeleteNodes():
            return {("node", node_id) for node_id in operation.ids} | {("edge", edge_id) for edge_id in operation.edges}
        case MoveNodes():
            return set()
        case UpdateConfig():
            return {("node", operation.id, "config", key) for key in operation.patch}
        case SetTitle():
            return {("node", operation.id, "title")}
        case Connect() | Disconnect():
            return {("port", operation.source, operation.port)}
        case SetSettings():
            return {("settings", key) for key in operation.patch}
        case SetTranslations():
            return {
                ("node", node_id, "text", operation.locale, pointer)
                for node_id, texts in operation.texts.items()
                for pointer in texts
            } | {("language", operation.locale, "there")}
        case RemoveLanguage():
            return {("language", operation.locale)}
        case SetName():
            return {("name",)}
        case ReplaceDocument():
            return {EVERYTHING}
        case Batch():
            return touched_by(operation.ops)


def touched_by(operations: Iterable[Operation]) -> set[Key]:
    """The fields that any of the operations writes."""
    keys: set[Key] = set()
    for operation in operations:
        keys |= touched(operation)
    return keys


def at_odds(mine: set[Key], theirs: set[Key]) -> set[Key]:
    """The fields over which two edits are at odds; a longer key is part of the shorter one it begins with."""
    if EVERYTHING in theirs and mine:
        return set(mine)
    if EVERYTHING in mine and theirs:
        return {EVERYTHING}
    clashes = mine & theirs
    their_nodes = {key for key in theirs if len(key) == 2 and key[0] == "node"}
    my_nodes = {key for key in mine if len(key) == 2 and key[0] == "node"}
    clashes |= {key for key in mine if key[:2] in their_nodes}
    clashes |= {key for key in my_nodes if any(other[:2] == key for other in theirs)}
    # Two people may write into a language at once, but not into one that the other takes away.
    clashes -= {key for key in clashes if key[0] == "language" and len(key) == 3}
    for some, others in ((mine, theirs), (theirs, mine)):
        clashes |= {key for key in some if key[0] == "language" and len(key) == 2 and (*key, "there") in others}
    # A port belongs to its node: deleting or adding the node decides over its ports.
    clashes |= {key for key in mine if key[0] == "port" and ("node", key[1]) in their_nodes}
    clashes |= {key for key in theirs if key[0] == "port" and ("node", key[1]) in my_nodes}
    return clashes

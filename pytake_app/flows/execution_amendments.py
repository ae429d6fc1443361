"""Messages that speak of another one: edits, deletions for everyone, reactions; and messages that come late.

Such a message is stored, so that it can be found by its id, but once it has taken effect the thread no longer shows it
by itself (`content.hidden`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pytake_app.conversations import threads
from pytake_app.conversations.threads import Thread
from pytake_app.flows.execution_state import Effects
from pytake_app.messaging.payloads import parse_time
from pytake_app.messaging.sql import Connection

Row = dict[str, Any]

AMENDING = ("edit", "revoke")


class Amendments:
    """Works on what a contact's run has gathered, and on stored messages.

    Parameters:
        connection: of the batch.
        effects: of the contact's run; stored messages that change are put into `amended`.
        now: the time of handling.
    """

    def __init__(self, connection: Connection, effects: Effects, now: datetime) -> None:
        self._connection = connection
        self._effects = effects
        self._now = now

    def take(self, thread: Thread, message: Row) -> Row | None:
        """Let an edit, deletion or reaction take effect.

        Parameters:
            message: its own row, not yet among the effects; hidden here when it has taken effect.

        Returns:
            the message it changed, if any.
        """
        target = message["content"].get("target")
        if not target:
            return None
        if message["type"] == "reaction":
            self._react(thread, message, target)
            return None
        changed = self.find(thread, target)
        if changed is None or changed["contact_id"] != thread.contact_id:
            return None
        _amend(changed, message)
        _hide(message)
        if thread.last_message_id == changed["id"]:
            thread.last_message_preview = threads.preview_of(changed["text"], changed["type"])
            thread.dirty = True
        return changed

    def catch_up(self, thread: Thread, message: Row) -> None:
        """A message comes after what was said about it: its edits take effect now."""
        for earlier in self._about(thread, AMENDING, message["external_id"]):
            _amend(message, earlier)
            _hide(earlier)

    def find(self, thread: Thread, external_id: str) -> Row | None:
        """The message with this id of the platform's, of this run or stored."""
        for row in self._effects.messages:
            if row.get("external_id") == external_id:
                return row
        found = threads.find_message(self._connection, thread.channel_account_id, external_id, self._now)
        return self._effects.amended.setdefault(found["id"], found) if found else None

    def _about(self, thread: Thread, types: tuple[str, ...], target: str) -> list[Row]:
        stored = threads.find_about(self._connection, thread.id, types, target, self._now)
        rows = [self._effects.amended.setdefault(row["id"], row) for row in stored]
        rows += [
            row
            for row in self._effects.messages
            if row["type"] in types and row["direction"] == "in" and row["content"].get("target") == target
        ]
        return sorted(rows, key=_at)

    def _react(self, thread: Thread, message: Row, target: str) -> None:
        # One reaction a person and message: the latest counts, and an empty one takes it back.
        for other in self._about(thread, ("reaction",), target):
            _hide(other if _at(other) <= _at(message) else message)
        if not message["content"].get("reaction"):
            _hide(message)


def _amend(target: Row, change: Row) -> None:
    content, at = target["content"], _at(change)
    if target["status"] == "deleted":
        return
    if change["type"] == "revoke":
        target.update(text="", media=None, location=None, status="deleted")
        target["content"] = {"deleted_at": at.isoformat()}
    elif (parse_time(content.get("edited_at")) or at) <= at:
        target["text"] = change["text"]
        target["content"] = {**content, "edited_at": at.isoformat()}


def _hide(message: Row) -> None:
    message["content"] = {**message["content"], "hidden": True}


def _at(message: Row) -> datetime:
    at: datetime = message["sent_at"]
    return at

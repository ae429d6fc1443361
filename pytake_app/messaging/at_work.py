"""What each lane's worker has in hand, so that a message that kills its worker is found out.

A killed worker's transaction is rolled back, and PostgreSQL knows nothing of the attempt. So a worker notes in Redis,
while it holds the lane, which events it is about to handle, and takes the note away afterwards. Whoever holds the lane
next and finds a note knows that its writer died over one of these events. A lost note costs one more attempt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast
from uuid import uuid4

import redis
import structlog

log = structlog.get_logger(__name__)

_KEY = "pytake:lanes:at_work"

_NOTE = """
local found = {}
for i = 1, #ARGV, 2 do
    found[#found + 1] = redis.call('HGET', KEYS[1], ARGV[i]) or ''
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
end
return found
"""
# Another worker may have the lane, and its own note there, by now.
_WIPE = """
for i = 2, #ARGV do
    local note = redis.call('HGET', KEYS[1], ARGV[i])
    if note and string.sub(note, 1, #ARGV[1]) == ARGV[1] then redis.call('HDEL', KEYS[1], ARGV[i]) end
end
"""


class AtWork:
    """The notes of one worker.

    Parameters:
        client: Redis; while it is away nothing is noted.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._token = f"{uuid4().hex}:"
        self._note = client.register_script(_NOTE)
        self._wipe = client.register_script(_WIPE)

    def note(self, events: Mapping[int, Iterable[int]]) -> set[int]:
        """Say which events (by lane) are about to be handled; the caller holds the lanes.

        Returns:
            ids of the events that a worker had in hand on these lanes when it died.
        """
        if not events:
            return set()
        arguments: list[str | int] = []
        for lane, ids in events.items():
            arguments += [lane, self._token + ",".join(map(str, ids))]
        try:
            found = cast("list[Any]", self._note(keys=[_KEY], args=arguments))
        except redis.RedisError as error:
            log.warning("work_not_noted", error=type(error).__name__)
            return set()
        notes = [note.decode() for note in found if note]
        return {int(n) for note in notes if not note.startswith(self._token) for n in note.partition(":")[2].split(",")}

    def add_wipe(self, pipeline: redis.client.Pipeline, lanes: Sequence[int]) -> None:
        """As `wipe`, among other commands."""
        if lanes:
            pipeline.eval(_WIPE, 1, _KEY, self._token, *lanes)

    def wipe(self, lanes: Sequence[int]) -> None:
        """These are handled, or have failed without harm to the worker."""
        if not lanes:
            return
        try:
            self._wipe(keys=[_KEY], args=[self._token, *lanes])
        except redis.RedisError as error:
            log.warning("work_not_noted", error=type(error).__name__)

"""Who is at a thing: known for a while, forgotten by itself, never so many that it hurts."""

from __future__ import annotations

import redis

from pytake_app.config import Settings
from pytake_app.core.presence import MAX_PRESENT, Presence


def test_one_browser_cannot_fill_the_room(settings: Settings, redis_client: redis.Redis) -> None:
    room = Presence(settings)
    for number in range(MAX_PRESENT + 20):
        room.put("flow:1", f"t{number}", {"tab": f"t{number}"}, now=1_000.0)
    assert redis_client.hlen("pytake:here:flow:1") == MAX_PRESENT
    room.put("flow:1", "t0", {"tab": "t0", "nodes": ["a"]}, now=1_010.0)  # who is in may still speak
    assert {"tab": "t0", "nodes": ["a"]} in room.present("flow:1", now=1_010.0)
    room.put("flow:1", "late", {"tab": "late"}, now=1_030.0)  # the others fell silent
    assert {item["tab"] for item in room.present("flow:1", now=1_030.0)} == {"t0", "late"}


def test_two_signs_of_life_may_be_lost_and_half_a_minute_is_the_end(
    settings: Settings, redis_client: redis.Redis
) -> None:
    """Tabs speak every ten seconds, hidden ones too."""
    room = Presence(settings)
    room.put("flow:2", "a", {"tab": "a"}, now=1_000.0)
    assert room.present("flow:2", now=1_024.0) == [{"tab": "a"}]
    assert room.present("flow:2", now=1_030.0) == []

"""Where requests name things by id besides the path: found in the OpenAPI document, by the schemas."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]
# What a member or query parameter of this name names, in the words of `test_tenancy.populate`.
KINDS = {
    "account_id": "account_id",
    "actor_id": "user_id",
    "after": "message_id",
    "agent": "agent_id",
    "agent_id": "agent_id",
    "around": "message_id",
    "assignee": "user_id",
    "business_hours_id": "calendar_id",
    "channel_account_id": "account_id",
    "contact_id": "contact_id",
    "conversation_id": "conversation_id",
    "default_flow_id": "flow_id",
    "department_id": "department_id",
    "departments": "department_id",
    "flow_id": "flow_id",
    "folder": "folder_id",
    "folder_id": "folder_id",
    "item_id": "queue_item_id",
    "media_id": "media_id",
    "media_ids": "media_id",
    "members": "user_id",
    "mentions": "user_id",
    "message_id": "message_id",
    "move_to": "queue_id",
    "parent_id": "folder_id",
    "queue": "queue_id",
    "queue_id": "queue_id",
    "reply_to": "message_id",
    "session_id": "session_id",
    "session_ids": "session_id",
    "user_id": "user_id",
    "view": "inbox_view_id",
}
# Members called `ids`, by the beginning of the address.
IDS = {
    "/api/v1/conversations": "conversation_id",
    "/api/v1/flows/{flow_id}/test-cases": "case_id",
    "/api/v1/flow": "flow_id",
    "/api/v1/queue/": "item_id",
}
# Strings that are ids although their schema doesn't say so.
IDS_IN_TEXT = frozenset({"flow_id", "contact_id", "media_id"})


def kind_of(name: str, path: str) -> str:
    """What the member `name` of a request to `path` names."""
    if name == "ids":
        found = next((kind for start, kind in IDS.items() if path.startswith(start)), None)
        assert found is not None, f"say in IDS what the ids of {path} are"
        return found
    assert name in KINDS, f"say in KINDS what {name} of {path} names"
    return KINDS[name]


@dataclass(frozen=True, slots=True)
class Reference:
    """One place in a request that names a thing: `at` is the way to it in the body, or the query parameter."""

    method: str
    path: str
    operation: Any
    where: str
    at: tuple[str, ...]

    @property
    def kind(self) -> str:
        return kind_of(self.at[-1], self.path)

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path} {'?' if self.where == 'query' else ''}{'.'.join(self.at)}"


def resolved(schema: Any, document: Document) -> Any:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _leaves(schema: Any, document: Document, at: tuple[str, ...], seen: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    name = schema.get("$ref", "")
    if name in seen:
        return
    seen = (*seen, name) if name else seen
    schema = resolved(schema, document)
    for key in ("anyOf", "oneOf", "allOf"):
        for one in schema.get(key, ()):
            yield from _leaves(one, document, at, seen)
    is_text = schema.get("type") == "string" and at and at[-1] in IDS_IN_TEXT
    if at and (schema.get("format") == "uuid" or is_text):
        yield at
    if "items" in schema:
        yield from _leaves(schema["items"], document, at, seen)
    for member, inner in schema.get("properties", {}).items():
        yield from _leaves(inner, document, (*at, member), seen)


def references(document: Document) -> list[Reference]:
    """Every place of every operation."""
    found: dict[str, Reference] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for item in operation.get("parameters", ()):
                if item["in"] == "query":
                    for at in _leaves(item["schema"], document, (item["name"],), ()):
                        one = Reference(method, path, operation, "query", at)
                        found[str(one)] = one
            for content in operation.get("requestBody", {}).get("content", {}).values():
                for at in _leaves(content["schema"], document, (), ()):
                    one = Reference(method, path, operation, "body", at)
                    found[str(one)] = one
    return list(found.values())


def filled(body: Any, path: str, ids: dict[str, Any]) -> Any:
    """The body with ids that exist, wherever it names something."""
    if isinstance(body, list):
        return [filled(one, path, ids) for one in body]
    if not isinstance(body, dict):
        return body
    return {key: _filled_member(key, value, path, ids) for key, value in body.items()}


def _filled_member(name: str, value: Any, path: str, ids: dict[str, Any]) -> Any:
    named = name in KINDS or name == "ids"
    if named and isinstance(value, str):
        return str(ids[kind_of(name, path)])
    if named and isinstance(value, list) and all(isinstance(one, str) for one in value):
        return [str(ids[kind_of(name, path)]) for _ in value]
    return filled(value, path, ids)


def with_value(schema: Any, document: Document, at: tuple[str, ...], value: str, base: Any, sample: Any) -> Any:
    """A body that fits as far as `sample` knows, with `value` at this place; `base`: what there is already."""
    schema = resolved(schema, document)
    for key in ("anyOf", "oneOf", "allOf"):
        for one in schema.get(key, ()):
            if at and any(leaf[: len(at)] == at for leaf in _leaves(one, document, (), ())):
                return with_value(one, document, at, value, base, sample)
            inner = resolved(one, document)
            if not at and (inner.get("type") in ("string", "array")):
                return with_value(inner, document, at, value, base, sample)
    if not at:
        return [value] if schema.get("type") == "array" else value
    if schema.get("type") == "array":
        return [with_value(schema["items"], document, at, value, None, sample)]
    made = copy.deepcopy(base) if isinstance(base, dict) else sample(schema, document)
    member = schema["properties"][at[0]]
    made[at[0]] = with_value(member, document, at[1:], value, made.get(at[0]), sample)
    return made

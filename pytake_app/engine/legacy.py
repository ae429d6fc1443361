"""Older shapes of node configurations, made canonical: renamed keys, and branches taken out of the
config. Every function is forgiving: what it doesn't know it leaves for the verifier to speak of."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import JsonValue

from pytake_app.engine.answers import ANSWER_KINDS
from pytake_app.engine.legacy_base import (
    Converted,
    Json,
    as_text,
    first_of,
    flatten,
    option_of,
    read_header,
    read_minutes,
    rename,
    slug,
    target_of,
)
from pytake_app.engine.legacy_calls import read_call, read_split

__all__ = ["Converted", "convert", "slug"]

# Searched for alone: a pattern with the operands around it takes cubic time over a text of blanks.
_COMPARISON = re.compile(r"==|!=|>=|<=|>|<|\bcontains\b|=")
_OPERATORS: Final = {
    "==": "equals", "=": "equals", "eq": "equals", "equal": "equals", "!=": "not_equals", "ne": "not_equals",
    ">": "greater", "gt": "greater", "greater_than": "greater", ">=": "greater_or_equal", "gte": "greater_or_equal",
    "<": "less", "lt": "less", "less_than": "less", "<=": "less_or_equal", "lte": "less_or_equal",
    "is_empty": "empty", "is_not_empty": "not_empty", "exists": "not_empty", "regex": "matches",
}  # fmt: skip
_KINDS: Final = {"string": "text", "str": "text", "int": "integer", "float": "number", "decimal": "number",
                 "mail": "email", "e-mail": "email", "tel": "phone", "telefone": "phone", "data": "date",
                 "hora": "time", "link": "url", "arquivo": "file", "numeric": "number"}  # fmt: skip


def _menu_common(config: Json) -> Json:
    config = flatten(dict(config))
    rename(config, "body", "message", "text", "content", "prompt")
    if isinstance(config.get("body"), Mapping):
        config["body"] = as_text(config["body"])
    read_header(config)
    read_minutes(config)
    rename(config, "variable", "save_to", "saveTo", "variable_name", "output")
    return config


def _message(config: Json) -> Converted:
    config = dict(config)
    rename(config, "body", "content", "text", "message")
    return Converted(config, exits=["next"])


def _media(config: Json) -> Converted:
    config = flatten(dict(config))
    rename(config, "kind", "media_type", "mediaType", "type")
    rename(config, "url", "link", "media_url", "mediaUrl")
    rename(config, "media_id", "mediaId")
    return Converted(config, exits=["next"])


def _buttons(config: Json) -> Converted:
    config = _menu_common(config)
    result = Converted(config, exits=["other"])
    taken: set[str] = set()
    options = []
    items = config.get("buttons")
    for item in items if isinstance(items, list) else []:
        option, target = option_of(item, taken)
        options.append(option)
        _branch(result, option["id"], target)
    config["buttons"] = options
    return result


def _branch(result: Converted, key: str, target: str | None) -> None:
    port = f"option:{key}"
    if target:
        result.branches[port] = target
    result.exits.append(port)
    result.must_lead.append(port)


def _list(config: Json) -> Converted:
    config = _menu_common(config)
    rename(config, "button", "button_text", "buttonText", "action_button")
    result = Converted(config, exits=["other"])
    taken: set[str] = set()
    sections: list[Json] = []
    raw = config.get("sections")
    if not isinstance(raw, list):
        rows = config.pop("rows", None) or config.pop("options", None)
        raw = [{"rows": rows}] if isinstance(rows, list) else []
    for section in raw:
        if not isinstance(section, Mapping):
            continue
        rows = []
        items = section.get("rows") or section.get("items")
        for item in items if isinstance(items, list) else []:
            option, target = option_of(item, taken)
            rows.append(option)
            _branch(result, option["id"], target)
        sections.append({"title": as_text(section.get("title")), "rows": rows})
    config["sections"] = sections
    return result


def _template(config: Json) -> Converted:
    config = flatten(dict(config))
    rename(config, "name", "template", "template_name", "templateName")
    language = config.get("language")
    if isinstance(language, Mapping):
        config["language"] = as_text(language.get("code"))
    rename(config, "body", "variables", "parameters", "params", convert=lambda v: v)
    body = config.get("body")
    if isinstance(body, Mapping):
        if not all(str(name).isdigit() for name in body):
            config.setdefault("body_names", [str(name) for name in body])
        body = list(body.values())
    if body is not None:
        config["body"] = [as_text(v) for v in body] if isinstance(body, list) else []
    result = Converted(config, exits=["next"])
    taken: set[str] = set()
    buttons = []
    items = config.get("buttons")
    for item in items if isinstance(items, list) else []:
        option, target = option_of(item, taken)
        if isinstance(item, Mapping) and item.get("place") is not None:
            option["place"] = item["place"]
        buttons.append(option)
        if target:
            result.branches[f"option:{option['id']}"] = target
    config["buttons"] = buttons
    return result


def parse_validation(raw: Any) -> Json:
    """An older ``validation`` (``min:2,max:50``, ``email``, ``regex:…``, or an object) as question fields."""
    if isinstance(raw, Mapping):
        found: Json = {}
        kind = as_text(raw.get("type") or raw.get("kind")).lower()
        if kind:
            found["kind"] = _KINDS.get(kind, kind)
        for name, older in (("minimum", "min"), ("maximum", "max")):
            value = raw.get(older, raw.get(name))
            if isinstance(value, int | float):
                found[name] = value
        if raw.get("pattern") or raw.get("regex"):
            found.update(kind="regex", pattern=as_text(raw.get("pattern") or raw.get("regex")))
        return found
    text = as_text(raw).strip()
    if text.lower().startswith(("regex:", "pattern:")):
        return {"kind": "regex", "pattern": text.split(":", 1)[1].strip().strip("/")}
    found = {}
    for part in re.split(r"[,|;]", text):
        name, _, value = part.strip().partition(":")
        name = name.strip().lower()
        if name in ("min", "max", "minlength", "maxlength", "min_length", "max_length"):
            try:
                number = float(value)
            except ValueError:
                continue
            found["minimum" if name.startswith("min") else "maximum"] = int(number) if number.is_integer() else number
        elif _KINDS.get(name, name) in ANSWER_KINDS:
            found["kind"] = _KINDS.get(name, name)
    return found


def _question(config: Json) -> Converted:
    config = flatten(dict(config))
    rename(config, "body", "message", "content", "question", "text", "prompt")
    rename(config, "variable", "save_to", "saveTo", "variable_name", "variableName", "output")
    rename(config, "retry_message", "error_message", "errorMessage", "retryMessage", "invalid_message")
    rename(config, "max_attempts", "maxAttempts", "retries", "max_retries", convert=lambda v: v)
    rename(
        config, "kind", "input_type", "inputType", convert=lambda v: _KINDS.get(as_text(v).lower(), as_text(v).lower())
    )
    read_minutes(config)
    if "validation" in config:
        config = {**parse_validation(config.pop("validation")), **config}
    return Converted(config, exits=["answered"], must_lead=["answered"])


def _wait(config: Json) -> Converted:
    config = dict(config)
    rename(config, "variable", "save_to", "saveTo", "output")
    read_minutes(config)
    return Converted(config, exits=["replied"], must_lead=["replied"])


def _condition(config: Json) -> Converted:
    config = dict(config)
    result = Converted(config, exits=["true", "false"], must_lead=["true", "false"])
    for port, names in (("true", ("true", "then", "on_true", "true_next", "onTrue")),
                        ("false", ("false", "else", "on_false", "false_next", "onFalse"))):  # fmt: skip
        for name in names:
            target = target_of(config.get(name))
            if target:
                result.branches[port] = target
                config.pop(name)
                break
    if "rows" not in config:
        rows = config.pop("conditions", None)
        if not isinstance(rows, list):
            rows = [
                {k: config.pop(k) for k in ("variable", "operator", "value", "condition", "expression") if k in config}
            ]
        config["rows"] = [_row(r) for r in rows if isinstance(r, str) or (isinstance(r, Mapping) and r)]
    if as_text(config.pop("logic", config.pop("operator", ""))).lower() in ("or", "any"):
        config["match"] = "any"
    return result


def _reference(text: str) -> str:
    return text if not text or "{{" in text else f"{{{{ {text} }}}}"


def _row(row: str | Mapping[str, Any]) -> Json:
    if isinstance(row, str):
        row = {"expression": row}
    if "compare_to" in row or not {"variable", "field", "left", "right", "expression", "condition"} & set(row):
        return dict(row)
    expression = as_text(row.get("expression") or row.get("condition"))
    if expression:
        if expression.count("{{") == 1 and expression.endswith("}}"):
            expression = expression.removeprefix("{{").removesuffix("}}")
        expression = expression.strip()
        match = _COMPARISON.search(expression, 1)
        if match:
            left, operator = expression[: match.start()].strip(), match[0]
            right = expression[match.end() :].strip().strip("'\"")
            return {"value": _reference(left), "operator": _OPERATORS.get(operator, operator), "compare_to": right}
        return {"value": _reference(expression), "operator": "not_empty", "compare_to": ""}
    operator = as_text(row.get("operator")).lower() or "equals"
    return {
        "value": _reference(as_text(row.get("variable") or row.get("field") or row.get("left"))),
        "operator": _OPERATORS.get(operator, operator),
        "compare_to": as_text(row.get("value") if "value" in row else row.get("right")),
    }


def _switch(config: Json) -> Converted:
    config = dict(config)
    rename(config, "value", "condition", "expression", "input")
    if "value" not in config and isinstance(config.get("variable"), str):
        config["value"] = _reference(config.pop("variable"))
    result = Converted(config, exits=["default"])
    raw = config.get("cases")
    taken: set[str] = set()
    cases: list[Json] = []
    items = list(raw.items()) if isinstance(raw, Mapping) else [(None, item) for item in raw or [] if item]
    for key, item in items if isinstance(raw, Mapping | list) else []:
        target = target_of(item if key is not None else {k: v for k, v in item.items() if k != "value"})
        value = str(key) if key is not None else as_text(item.get("value"))
        if value == "default" and (key is not None or "id" not in item):
            if target:
                result.branches["default"] = target
            continue
        given = item.get("id") if isinstance(item, Mapping) else None
        case_id = as_text(given) or slug(value, taken)
        case: Json = {"id": case_id, "value": value}
        for name in ("label", "operator"):
            if isinstance(item, Mapping) and item.get(name):
                word = as_text(item[name])
                case[name] = word if name == "label" else _OPERATORS.get(word.lower(), word)
        cases.append(case)
        if target:
            result.branches[f"case:{case_id}"] = target
        result.exits.append(f"case:{case_id}")
        result.must_lead.append(f"case:{case_id}")
    config["cases"] = cases
    default = target_of(config.get("default"))
    if default:
        result.branches["default"] = default
        config.pop("default")
    return result


def _classifier(config: Json) -> Converted:
    config = dict(config)
    raw = config.get("intents") or config.pop("categories", None)
    prompt = as_text(config.get("prompt"))
    if not raw and ":" in prompt:
        # "Classifique a intenção: suporte, vendas, financeiro": the names follow the last colon.
        raw = [part.strip(" .\n") for part in re.split(r"[,;\n]| ou | or | o ", prompt.rsplit(":", 1)[1])]
    taken: set[str] = set()
    intents: list[Json] = []
    result = Converted(config, exits=["other"], must_lead=["other"])
    items: list[Any] = []
    if isinstance(raw, Mapping):
        items = [{"id": k, "label": k, **(v if isinstance(v, Mapping) else {"next": v})} for k, v in raw.items()]
    elif isinstance(raw, list):
        items = raw
    for item in items:
        if not isinstance(item, str | Mapping) or item == "":
            continue
        name = item if isinstance(item, str) else as_text(item.get("label", item.get("name") or item.get("id")))
        given = as_text(item.get("id")) if isinstance(item, Mapping) else ""
        key = given or slug(name, taken)
        taken.add(key)
        examples = item.get("examples") if isinstance(item, Mapping) else None
        kept = [as_text(e) for e in examples] if isinstance(examples, list) else []
        about = as_text(item.get("description")) if isinstance(item, Mapping) else ""
        intents.append({"id": key, "label": name, **({"description": about} if about else {}), "examples": kept})
        target = target_of(item) if isinstance(item, Mapping) else None
        port = f"intent:{key}"
        if target:
            result.branches[port] = target
        result.exits.append(port)
        result.must_lead.append(port)
    config["intents"] = intents
    rename(config, "output", "variable", "save_to")
    return result


_TRANSFER: Final = {
    "queueId": "queue_id", "queue": "queue_id", "queueName": "queue_name", "waitTimeoutMinutes": "wait_timeout_minutes",
    "fallbackAction": "fallback_action", "fallbackFlow": "fallback_flow", "fallbackFlowId": "fallback_flow",
    "fallbackMessage": "fallback_message", "fallbackQueueId": "fallback_queue_id", "content": "message",
    "department": "queue_name",
}  # fmt: skip
_FALLBACKS: Final = {
    "other_queue": "queue",
    "otherQueue": "queue",
    "transfer": "queue",
    "end": "abandon",
    "": "abandon",
}
_PRIORITIES: Final = {"normal": 0, "low": 0, "medium": 0, "high": 1, "urgent": 2, "0": 0, "1": 1, "2": 2}


def _transfer(config: Json) -> Converted:
    config = dict(config)
    for older, name in _TRANSFER.items():
        if older in config:
            value = config.pop(older)
            if name not in config and value is not None:
                config[name] = value
    fallback = config.get("fallback_action")
    if isinstance(fallback, str) or fallback is None:
        config["fallback_action"] = _FALLBACKS.get(fallback or "", fallback)
    if isinstance(config.get("priority"), str):
        config["priority"] = _PRIORITIES.get(config["priority"].lower(), config["priority"])
    for name in ("queue_id", "queue_name", "message"):
        if name in config and not isinstance(config[name], str):
            config[name] = as_text(config[name])
    if config.get("wait_timeout_minutes") == 0:
        config["wait_timeout_minutes"] = None
    return Converted(config, exits=["transferred"])


def _set_variable(config: Json) -> Converted:
    config = dict(config)
    if "assignments" not in config:
        inner = config.pop("params", None) or config.pop("parameters", None)
        if isinstance(inner, Mapping):
            config.update(inner)
        pairs: list[tuple[str, Any]] = []
        several = first_of(config, "variables", "set", "values")
        if isinstance(several, Mapping):
            pairs = list(several.items())
        name = first_of(config, "variable", "name", "key", "field")
        if isinstance(name, str):
            pairs.append((name, config.get("value", "")))
        for key in ("variables", "set", "values", "variable", "name", "key", "field", "value"):
            config.pop(key, None)
        config["assignments"] = [_assignment(str(k), v) for k, v in pairs]
    return Converted(config, exits=["next"])


def _assignment(name: str, value: Any) -> Json:
    target, _, rest = name.partition(".")
    if rest and target in ("contact", "session"):
        return {"target": target, "name": rest, "value": as_text(value)}
    return {"target": "session", "name": name, "value": as_text(value)}


def _keyword(config: Json) -> Converted:
    config = dict(config)
    words = first_of(config, "words", "keywords", "keyword")
    config.pop("keywords", None)
    config.pop("keyword", None)
    config["words"] = [as_text(w) for w in words] if isinstance(words, list) else [
        w.strip() for w in as_text(words).split(",") if w.strip()
    ]  # fmt: skip
    rename(config, "match_type", "matchType", "match")
    if isinstance(config.get("match_type"), str):
        name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", config["match_type"]).lower().replace("-", "_").replace(" ", "_")
        config["match_type"] = {"equals": "exact", "startswith": "starts_with"}.get(name, name)
    return Converted(config, exits=["next"])


def _delay(config: Json) -> Converted:
    config = dict(config)
    for unit in ("seconds", "minutes", "hours", "days"):
        if isinstance(config.get(unit), int | float) and "amount" not in config:
            config["amount"], config["unit"] = config.pop(unit), unit
    rename(config, "amount", "duration", "delay", convert=lambda v: v)
    if isinstance(config.get("unit"), str):
        unit = config["unit"].lower()
        config["unit"] = unit if unit.endswith("s") else unit + "s"
    return Converted(config, exits=["next"], must_lead=["next"])


def _jump(config: Json) -> Converted:
    config = dict(config)
    rename(config, "flow", "flow_id", "flowId", "target_flow", "targetFlow", "target")
    return Converted(config, exits=["next"] if config.get("mode") == "call" else [])


def _either(*ports: str) -> Callable[[Json], Converted]:
    def convert(config: Json) -> Converted:
        return Converted(dict(config), exits=list(ports), must_lead=list(ports))

    return convert


def _plain(config: Json) -> Converted:
    return Converted(dict(config), exits=["next"])


def _final(config: Json) -> Converted:
    return Converted(dict(config))


_CONVERTERS: Final[dict[str, Callable[[Json], Converted]]] = {
    "msg_text": _message, "msg_media": _media, "msg_buttons": _buttons, "msg_list": _list,
    "msg_template": _template, "question": _question, "wait_for_reply": _wait, "condition": _condition,
    "switch": _switch, "ai_classifier": _classifier, "action_transfer_to_queue": _transfer,
    "set_variable": _set_variable, "trigger_keyword": _keyword, "delay": _delay, "jump": _jump,
    "logic_window_check": _either("open", "closed"), "business_hours": _either("open", "closed"),
    "api_call": read_call, "random_split": read_split, "ai_extract": _either("complete", "incomplete"),
    "msg_location_request": _either("received"), "msg_form": _either("submitted"),
    "end": _final, "note": _final,
}  # fmt: skip


def convert(node_type: str, config: dict[str, JsonValue]) -> Converted:
    """The canonical form of a config of ``node_type`` (a canonical name). Canonical configs come back
    with the same meaning; one too odd to be understood comes back as it is, for the verifier."""
    try:
        return _CONVERTERS.get(node_type, _plain)(dict(config))
    except (AttributeError, TypeError, ValueError, LookupError):
        return Converted(dict(config))

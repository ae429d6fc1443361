"""Forms, palette, texts and reference agree with the models."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytake_app.engine.inspector import FieldSpec, inspector_schema, palette, ports_of
from pytake_app.engine.limits import ERROR_CODES
from pytake_app.engine.nodes import ALIASES, CATALOGUED, NODE_TYPES
from pytake_app.engine.reference import nodes_markdown

ROOT = Path(__file__).parents[2]
LANGUAGES = ("pt_BR", "en", "es")
ENGINE = ROOT / "pytake_app" / "engine"


def catalogue(language: str, area: str) -> dict[str, str]:
    texts: dict[str, str] = json.loads((ROOT / "pytake_app" / "locales" / language / f"{area}.json").read_text())
    return texts


def keys(fields: list[FieldSpec]) -> Iterator[str]:
    for field in fields:
        yield field.label_key
        if field.help_key:
            yield field.help_key
        for option in field.options:
            yield option.label_key
        yield from keys(field.fields)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_key_has_a_text_and_no_text_is_left_over(language: str) -> None:
    wanted = {f"node.group.{e.group}" for e in palette()} | {f"node.weekday.{d}" for d in range(7)}
    wanted |= {f"node.{t}.name" for t in CATALOGUED}
    for entry in palette():
        wanted |= {entry.name_key, entry.help_key, *keys(inspector_schema(entry.type))}
        ports = ports_of(entry.type, {}) + ports_of(entry.type, entry.default_config)
        wanted |= {p.label_key for p in ports if p.label_key}
    texts = catalogue(language, "nodes")
    assert set(texts) == wanted
    assert all(text.strip() for text in texts.values())


def finding_codes() -> set[str]:
    found: set[str] = set()
    for path in ENGINE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            first = node.args[0] if node.args else None
            if name in ("ConfigIssue", "add") and isinstance(first, ast.Constant) and isinstance(first.value, str):
                found.add(first.value)
            if name == "Finding":
                found |= {k.value.value for k in node.keywords if k.arg == "code" and isinstance(k.value, ast.Constant)}
    return found | {
        "too_many_steps",
        "too_many_messages",
        "out_of_range",
        "invalid_choice",
        "invalid_value",
        "missing_value",
    }


def test_every_finding_has_a_sentence_in_three_languages() -> None:
    codes = finding_codes()
    for language in LANGUAGES:
        texts = catalogue(language, "verify")
        plain = {k.removeprefix("verify.") for k in texts if k.count(".") == 1}
        assert plain == codes


def test_placeholders_agree_between_languages() -> None:
    for area in ("verify", "nodes"):
        english = catalogue("en", area)
        for language in LANGUAGES:
            for key, text in catalogue(language, area).items():
                assert set(re.findall(r"\{(\w+)\}", str(text))) == set(re.findall(r"\{(\w+)\}", str(english[key]))), key


def test_portuguese_says_things_in_portuguese() -> None:
    for area in ("verify", "nodes"):
        for key, text in catalogue("pt_BR", area).items():
            plain = re.sub(r"\{\w+\}", "", str(text))
            assert not re.search(r"\b(flow|bot|queue|node|trigger|button|template)\b", plain, re.IGNORECASE), key


def test_error_codes_in_use_are_declared() -> None:
    used: set[str] = set()
    for path in ENGINE.rglob("*.py"):
        source = path.read_text()
        used |= set(re.findall(r'(?:visit|self\.visit)\.error\("(\w+)"', source))
        used |= set(re.findall(r'TemplateFailure\("(\w+)"', source)) | set(re.findall(r'SprintLimit\("(\w+)"', source))
        used |= set(re.findall(r'\.fail\([^,]+, "(\w+)"', source))
    assert used <= ERROR_CODES, used - ERROR_CODES


def test_the_palette_is_the_registry_and_defaults_are_valid() -> None:
    assert [e.type for e in palette()] == list(NODE_TYPES)
    for node_type in NODE_TYPES.values():
        node_type.config_model.model_validate(node_type.default_config)
        assert set(node_type.default_config) <= set(node_type.config_model.model_fields)
    assert not set(ALIASES) & set(NODE_TYPES)


def test_the_reference_is_current() -> None:
    written = (ROOT / "docs" / "nodes.md").read_text()
    assert written == nodes_markdown(), "run: python -m pytake_app.engine.reference > docs/nodes.md"


CATALOGUE = """
start trigger_universal trigger_keyword trigger_template trigger_webhook trigger_schedule trigger_event
msg_text msg_media msg_buttons msg_list msg_cta_url msg_location msg_contacts msg_reaction msg_location_request
msg_template msg_form question wait_for_reply condition switch logic_window_check business_hours random_split delay
jump end set_variable tag_contact update_contact api_call send_event notify action_transfer_to_queue assign_agent
close_conversation ai_classifier ai_prompt ai_extract note group
"""


def test_every_type_of_the_product_s_catalogue_is_registered_and_runs() -> None:
    assert set(CATALOGUE.split()) == set(NODE_TYPES)
    assert not CATALOGUED


def test_failures_and_unreadable_documents_have_sentences() -> None:
    pattern = r'(?:_refuse|_problem)\([^"]*?(?:"[^"]*"|pointer|f"[^"]*")[^"]*?"([a-z_]+)",'
    source = "".join(path.read_text() for path in sorted(ENGINE.glob("parsing*.py")))
    codes = set(re.findall(pattern, source)) | {"too_many_nodes"}
    assert {"not_json", "unknown_type", "dangling_edge"} <= codes
    for language in LANGUAGES:
        texts = catalogue(language, "verify")
        assert {k.removeprefix("verify.failure.") for k in texts if k.startswith("verify.failure.")} == set(ERROR_CODES)
        assert codes <= {k.removeprefix("verify.document.") for k in texts if k.startswith("verify.document.")}

"""Where flows begin: start and the triggers."""

from __future__ import annotations

from typing import Any, Literal

from pytake_app.engine.nodes.base import PORT_NEXT, Config, ConfigIssue, Go, NodeType, Port, setting
from pytake_app.engine.nodes.facts import Refers
from pytake_app.engine.options import OptionIndex, choose, index_options
from pytake_app.engine.templating import TemplateCompiler
from pytake_app.engine.textmatch import fold
from pytake_app.engine.visit import Visit


class StartConfig(Config):
    """Entry of a flow called by API, by a jump or by a test."""


class UniversalConfig(Config):
    """Any inbound message that no other rule answers."""


class KeywordConfig(Config):
    """Words that start the flow. ``priority``: higher wins over other keyword triggers."""

    words: list[str] = setting(factory=list, widget="words", required=True, max=50)
    match_type: Literal["exact", "contains", "starts_with", "regex"] = setting(
        "exact", widget="select", options=("exact", "contains", "starts_with", "regex")
    )
    priority: int = setting(0, widget="number", ge=-1000, le=1000, advanced=True)


class TemplateReplyButton(Config):
    id: str = setting("", required=True)
    title: str = setting("", required=True, max=25)


class TemplateReplyConfig(Config):
    """A reply to a template that was sent directly (campaign, API, agent)."""

    template: str = setting("", widget="template", required=True)
    buttons: list[TemplateReplyButton] = setting(factory=list, widget="buttons", max=10)


class _ButtonsPrepared:
    __slots__ = ("index",)

    def __init__(self, index: OptionIndex) -> None:
        self.index = index


def _next_port(_config: Config) -> list[Port]:
    return [PORT_NEXT.model_copy(update={"required": True})]


def _prepare_nothing(_config: Config, _texts: TemplateCompiler) -> None:
    return None


def _run_next(_visit: Visit, _prepared: Any) -> Go:
    return Go("next", "triggered")


def _template_ports(config: TemplateReplyConfig) -> list[Port]:
    return [
        *(Port(id=f"option:{b.id}", label=b.title, required=False) for b in config.buttons),
        PORT_NEXT.model_copy(update={"required": not config.buttons}),
    ]


def _prepare_template(config: TemplateReplyConfig, _texts: TemplateCompiler) -> _ButtonsPrepared:
    return _ButtonsPrepared(index_options([(b.id, b.title) for b in config.buttons]))


def _run_template(visit: Visit, prepared: _ButtonsPrepared) -> Go:
    chosen, why = choose(prepared.index, visit.text_in, visit.selection)
    if chosen is not None and visit.has(f"option:{chosen}"):
        return Go(f"option:{chosen}", why)
    return Go("next", "a reply to the template" if chosen is None else f"{why}; its port is not connected")


def _check_keyword(config: KeywordConfig) -> list[ConfigIssue]:
    from pytake_app.engine.triggers import compile_pattern

    issues: list[ConfigIssue] = []
    seen: set[str] = set()
    for i, word in enumerate(config.words):
        pointer = f"/words/{i}"
        if not word.strip():
            issues.append(ConfigIssue("missing_value", pointer))
        elif config.match_type == "regex":
            if compile_pattern(word) is None:
                issues.append(ConfigIssue("invalid_pattern", pointer, params={"pattern": word[:80]}))
        elif fold(word) in seen:
            issues.append(ConfigIssue("duplicate_word", pointer, "warning", {"word": word[:80]}))
        seen.add(fold(word))
    return issues


def check_options(options: list[tuple[str, str, str]], *, max_id: int) -> list[ConfigIssue]:
    """Unique, non-empty ids and titles of (pointer, id, title) options."""
    issues: list[ConfigIssue] = []
    ids: set[str] = set()
    titles: set[str] = set()
    for pointer, key, title in options:
        if not key:
            issues.append(ConfigIssue("missing_value", f"{pointer}/id"))
        elif key in ids:
            issues.append(ConfigIssue("duplicate_option_id", f"{pointer}/id", params={"id": key[:60]}))
        elif len(key) > max_id:
            issues.append(ConfigIssue("too_long", f"{pointer}/id", params={"length": len(key), "max": max_id}))
        ids.add(key)
        folded = fold(title)
        if folded and folded in titles:
            issues.append(ConfigIssue("duplicate_option_title", f"{pointer}/title", params={"title": title[:60]}))
        titles.add(folded)
    return issues


def _check_template(config: TemplateReplyConfig) -> list[ConfigIssue]:
    return check_options([(f"/buttons/{i}", b.id, b.title) for i, b in enumerate(config.buttons)], max_id=256)


def _template_refers(config: TemplateReplyConfig) -> list[Refers]:
    return [Refers("template", (config.template,), "/template")]


START = NodeType(
    type="start", group="trigger", icon="play", config_model=StartConfig, ports=_next_port,
    prepare=_prepare_nothing, run=_run_next, entry_window="unknown",
)  # fmt: skip
TRIGGER_UNIVERSAL = NodeType(
    type="trigger_universal", group="trigger", icon="message-circle", config_model=UniversalConfig,
    ports=_next_port, prepare=_prepare_nothing, run=_run_next,
)  # fmt: skip
TRIGGER_KEYWORD = NodeType(
    type="trigger_keyword", group="trigger", icon="key-round", config_model=KeywordConfig, ports=_next_port,
    prepare=_prepare_nothing, run=_run_next, check=_check_keyword, summary_field="words",
    default_config={"words": [], "match_type": "exact", "priority": 0},
)  # fmt: skip
TRIGGER_TEMPLATE = NodeType(
    type="trigger_template", group="trigger", icon="reply", config_model=TemplateReplyConfig,
    ports=_template_ports, prepare=_prepare_template, run=_run_template, check=_check_template, refers=_template_refers,
    summary_field="template", default_config={"template": "", "buttons": []},
)  # fmt: skip

__all__ = ["START", "TRIGGER_KEYWORD", "TRIGGER_TEMPLATE", "TRIGGER_UNIVERSAL", "check_options"]

"""Messages with options: reply buttons, list, template."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pytake_app.engine.content import (
    ButtonsContent,
    ContentHeader,
    ListContent,
    ListRow,
    ListSection,
    ReplyButton,
    TemplateButtonParameter,
    TemplateContent,
    TextContent,
)
from pytake_app.engine.limits import (
    EXPIRY_RANGE_MINUTES,
    WA_BUTTON_ID,
    WA_BUTTON_TITLE,
    WA_BUTTONS,
    WA_BUTTONS_BODY,
    WA_FOOTER,
    WA_HEADER,
    WA_LIST_BODY,
    WA_ROW_DESCRIPTION,
    WA_ROW_ID,
    WA_ROW_TITLE,
    WA_ROWS,
    WA_SECTION_TITLE,
    WA_SECTIONS,
    WA_TEXT_BODY,
)
from pytake_app.engine.nodes.base import (
    PORT_ERROR,
    PORT_NEXT,
    PORT_OTHER,
    PORT_TIMEOUT,
    Config,
    ConfigIssue,
    Finish,
    Go,
    NodeType,
    Outcome,
    Port,
    WaitFor,
    always,
    setting,
)
from pytake_app.engine.nodes.facts import NO_PAUSE, REPLY, Pause, Refers, Sends, Writes, option_ports
from pytake_app.engine.nodes.messages import HEADER_KINDS, MEDIA_HEADER, HeaderKind, skipped
from pytake_app.engine.nodes.triggers import check_options
from pytake_app.engine.options import OptionIndex, choose, index_options
from pytake_app.engine.session import Resume
from pytake_app.engine.templating import Template, TemplateCompiler
from pytake_app.engine.visit import Visit

VARIABLE_NAME = r"^$|^[A-Za-z_][A-Za-z0-9_]{0,63}$"


class ButtonConfig(Config):
    id: str = setting("", required=True)
    title: str = setting("", required=True, variables=True, max=WA_BUTTON_TITLE, translate="text")


class RowConfig(Config):
    id: str = setting("", required=True)
    title: str = setting("", required=True, variables=True, max=WA_ROW_TITLE, translate="text")
    description: str = setting("", variables=True, max=WA_ROW_DESCRIPTION, translate="text")


class SectionConfig(Config):
    title: str = setting("", variables=True, max=WA_SECTION_TITLE, translate="text")
    rows: list[RowConfig] = setting(factory=list, widget="buttons", required=True, max=WA_ROWS)


class _Menu(Config):
    """What buttons and lists share. ``variable`` keeps the chosen option's title, ``retry_message``
    is said when an answer is none of the options and ``other`` isn't wired; after ``max_attempts``
    such answers the session ends."""

    header_type: HeaderKind = setting("none", widget="select", options=HEADER_KINDS, advanced=True)
    header: str = setting(
        "", variables=True, max=WA_HEADER, show_if={"header_type": ["text"]}, advanced=True, translate="text"
    )
    header_media_id: str | None = setting(None, widget="media", show_if={"header_type": [*MEDIA_HEADER]}, advanced=True)
    header_url: str = setting(
        "",
        variables=True,
        show_if={"header_type": [*MEDIA_HEADER]},
        advanced=True,
        translate="may",
        beside="header_media_id",
    )
    body: str = setting("", widget="textarea", required=True, variables=True, max=WA_BUTTONS_BODY, translate="text")
    footer: str = setting("", variables=True, max=WA_FOOTER, advanced=True, translate="text")


class ButtonsConfig(_Menu):
    """A question with one to three buttons."""

    buttons: list[ButtonConfig] = setting(factory=list, widget="buttons", required=True, max=WA_BUTTONS)
    variable: str = setting("", widget="variable", pattern=VARIABLE_NAME)
    retry_message: str = setting(
        "", widget="textarea", variables=True, max=WA_TEXT_BODY, advanced=True, translate="text"
    )
    max_attempts: int = setting(3, widget="number", ge=1, le=10, advanced=True)
    timeout_minutes: float | None = setting(None, widget="duration", gt=0, le=EXPIRY_RANGE_MINUTES[1], advanced=True)


class ListConfig(_Menu):
    """A question with a menu of up to ten rows in sections."""

    header_type: HeaderKind = setting("none", widget="select", options=("none", "text"), advanced=True)
    header_media_id: str | None = None
    header_url: str = ""
    body: str = setting("", widget="textarea", required=True, variables=True, max=WA_LIST_BODY, translate="text")
    button: str = setting("Menu", required=True, variables=True, max=WA_BUTTON_TITLE, translate="text")
    sections: list[SectionConfig] = setting(factory=list, widget="sections", required=True, max=WA_SECTIONS)
    variable: str = setting("", widget="variable", pattern=VARIABLE_NAME)
    retry_message: str = setting(
        "", widget="textarea", variables=True, max=WA_TEXT_BODY, advanced=True, translate="text"
    )
    max_attempts: int = setting(3, widget="number", ge=1, le=10, advanced=True)
    timeout_minutes: float | None = setting(None, widget="duration", gt=0, le=EXPIRY_RANGE_MINUTES[1], advanced=True)


@dataclass(frozen=True, slots=True)
class _PreparedMenu:
    config: ButtonsConfig | ListConfig
    header: Template
    header_url: Template
    body: Template
    footer: Template
    button: Template
    retry: Template
    options: list[tuple[str, Template, Template]]
    section_titles: list[tuple[Template, int]]
    index: OptionIndex
    fixed: bool
    """No option title has an expression, so the index holds for every contact."""


def _prepare_menu(config: ButtonsConfig | ListConfig, texts: TemplateCompiler) -> _PreparedMenu:
    if isinstance(config, ListConfig):
        rows = [row for section in config.sections for row in section.rows]
        options = [(r.id, texts(r.title), texts(r.description)) for r in rows]
        sections = [(texts(s.title), len(s.rows)) for s in config.sections]
        button = config.button
    else:
        options = [(b.id, texts(b.title), texts("")) for b in config.buttons]
        sections = []
        button = ""
    fixed = all(title.is_literal for _, title, _ in options)
    index = index_options([(key, title.source) for key, title, _ in options])
    return _PreparedMenu(
        config, texts(config.header), texts(config.header_url), texts(config.body), texts(config.footer),
        texts(button), texts(config.retry_message), options, sections, index, fixed,
    )  # fmt: skip


def _header(visit: Visit, prepared: _PreparedMenu) -> ContentHeader | None:
    kind = prepared.config.header_type
    if kind == "text":
        text = visit.clipped(prepared.header, WA_HEADER)
        return ContentHeader(text=text) if text.strip() else None
    if kind == "none":
        return None
    if prepared.config.header_media_id:
        return ContentHeader(type=kind, media_id=prepared.config.header_media_id)
    url = visit.text(prepared.header_url).strip()
    return ContentHeader(type=kind, url=url) if url.startswith(("https://", "http://")) else None


def _send_menu(visit: Visit, prepared: _PreparedMenu) -> Outcome | None:
    """Send the menu; an outcome instead of None when it can't be sent."""
    is_list = isinstance(prepared.config, ListConfig)
    body = visit.clipped(prepared.body, WA_LIST_BODY if is_list else WA_BUTTONS_BODY)
    header, footer = _header(visit, prepared), visit.clipped(prepared.footer, WA_FOOTER)
    limit = WA_ROW_TITLE if is_list else WA_BUTTON_TITLE
    shown = [(key, visit.clipped(title, limit), about) for key, title, about in prepared.options]
    shown = [option for option in shown if option[1].strip()]
    if visit.failed and visit.has("error"):
        return Go("error", "a text could not be rendered")
    if not body.strip() or not shown:
        return skipped(visit)
    if not is_list:
        buttons = [ReplyButton(id=key, title=title) for key, title, _ in shown[:WA_BUTTONS]]
        visit.send(ButtonsContent(header=header, body=body, footer=footer, buttons=buttons))
        return None
    rows = {
        key: ListRow(id=key, title=title, description=visit.clipped(about, WA_ROW_DESCRIPTION))
        for key, title, about in shown[:WA_ROWS]
    }
    sections: list[ListSection] = []
    at = 0
    for title, count in prepared.section_titles:
        keys = [key for key, _, _ in prepared.options[at : at + count]]
        at += count
        kept = [rows[key] for key in keys if key in rows]
        if kept:
            sections.append(ListSection(title=visit.clipped(title, WA_SECTION_TITLE), rows=kept))
    button = visit.clipped(prepared.button, WA_BUTTON_TITLE).strip() or "Menu"
    visit.send(ListContent(header=header, body=body, footer=footer, button=button, sections=sections))
    return None


def _menu_wait(visit: Visit, prepared: _PreparedMenu, attempts: int) -> WaitFor:
    minutes = prepared.config.timeout_minutes
    timeout_at = visit.minutes_from_now(minutes) if minutes else None
    return WaitFor("message", timeout_at, attempts, "waits for an option")


def _run_menu(visit: Visit, prepared: _PreparedMenu) -> Outcome:
    return _send_menu(visit, prepared) or _menu_wait(visit, prepared, 0)


def _resume_menu(visit: Visit, prepared: _PreparedMenu, _resume: Resume) -> Outcome:
    index = prepared.index
    if not prepared.fixed:
        index = index_options([(key, visit.text(title)) for key, title, _ in prepared.options])
    chosen, why = choose(index, visit.text_in, visit.selection)
    if chosen is not None:
        visit.choose(chosen)
        if prepared.config.variable:
            visit.set_variable(prepared.config.variable, index.titles[chosen])
        return Go(f"option:{chosen}", why)
    if visit.has("other"):
        if prepared.config.variable and not visit.selection:
            visit.set_variable(prepared.config.variable, visit.text_in)
        return Go("other", why)
    attempts = (visit.wait.attempts if visit.wait else 0) + 1
    if attempts >= prepared.config.max_attempts:
        return Finish("completed", "no_match", f"{why}; no attempts left")
    retry = visit.clipped(prepared.retry, WA_TEXT_BODY)
    if retry.strip():
        visit.send(TextContent(body=retry))
    return _send_menu(visit, prepared) or _menu_wait(visit, prepared, attempts)


def _buttons_ports(config: ButtonsConfig) -> list[Port]:
    options = [Port(id=f"option:{b.id}", label=b.title, required=True) for b in config.buttons]
    return [*options, PORT_OTHER, PORT_TIMEOUT, PORT_ERROR]


def _list_ports(config: ListConfig) -> list[Port]:
    options = [Port(id=f"option:{r.id}", label=r.title, required=True) for s in config.sections for r in s.rows]
    return [*options, PORT_OTHER, PORT_TIMEOUT, PORT_ERROR]


def _check_header(config: _Menu) -> list[ConfigIssue]:
    if config.header_type == "text" and not config.header.strip():
        return [ConfigIssue("missing_value", "/header", "warning")]
    if config.header_type in MEDIA_HEADER and not (config.header_media_id or config.header_url.strip()):
        return [ConfigIssue("missing_value", "/header_url")]
    return []


def _check_buttons(config: ButtonsConfig) -> list[ConfigIssue]:
    options = [(f"/buttons/{i}", b.id, b.title) for i, b in enumerate(config.buttons)]
    return [*_check_header(config), *check_options(options, max_id=WA_BUTTON_ID)]


def _check_list(config: ListConfig) -> list[ConfigIssue]:
    options = [
        (f"/sections/{i}/rows/{j}", row.id, row.title)
        for i, section in enumerate(config.sections)
        for j, row in enumerate(section.rows)
    ]
    issues = [*_check_header(config), *check_options(options, max_id=WA_ROW_ID)]
    if len(options) > WA_ROWS:
        issues.append(ConfigIssue("too_many_rows", "/sections", params={"count": len(options), "max": WA_ROWS}))
    if len(config.sections) > 1:
        issues += [
            ConfigIssue("missing_section_title", f"/sections/{i}/title")
            for i, section in enumerate(config.sections)
            if not section.title.strip()
        ]
    return issues


TEMPLATE_BUTTONS = 10
"""A template's buttons of all kinds together, at most (Meta's limit)."""


class TemplateButtonConfig(Config):
    """A quick reply of the template. ``title`` is its text in the template, ``place`` its place (from 0) among
    all of the template's buttons, links and calls included; unknown, it is the place in this list."""

    id: str = setting("", required=True)
    title: str = setting("", required=True, max=25)
    place: int | None = setting(None, widget="number", ge=0, lt=TEMPLATE_BUTTONS, beside="title")


class TemplateConfig(Config):
    """An approved template with its variables in order (``body``). With a wired button it waits for
    the press; any other answer leaves through ``next``.

    ``body_names`` and ``header_name`` are the placeholders' names where the template has named ones: Meta refuses
    values in order for those. ``url_place`` is the place of the variable link among all of the template's buttons.
    """

    name: str = setting("", widget="template", required=True, max=512, translate="may")
    language: str = setting("pt_BR", required=True, max=12, translate="may", beside="name")
    header_type: HeaderKind = setting("none", widget="select", options=HEADER_KINDS, advanced=True)
    header: str = setting(
        "",
        variables=True,
        max=WA_HEADER,
        show_if={"header_type": ["text"]},
        advanced=True,
        translate="may",
        beside="name",
    )
    header_media_id: str | None = setting(None, widget="media", show_if={"header_type": [*MEDIA_HEADER]}, advanced=True)
    header_url: str = setting(
        "",
        variables=True,
        show_if={"header_type": [*MEDIA_HEADER]},
        advanced=True,
        translate="may",
        beside="header_media_id",
    )
    body: list[str] = setting(factory=list, widget="words", variables=True, max=30, beside="name")
    body_names: list[str] = setting(factory=list, widget="words", max=30, advanced=True, beside="name")
    header_name: str = setting("", max=60, advanced=True, beside="name")
    buttons: list[TemplateButtonConfig] = setting(factory=list, widget="buttons", max=10)
    url_suffix: str = setting("", variables=True, max=2000, advanced=True, beside="name")
    url_place: int | None = setting(None, widget="number", ge=0, lt=TEMPLATE_BUTTONS, advanced=True, beside="name")
    timeout_minutes: float | None = setting(None, widget="duration", gt=0, le=EXPIRY_RANGE_MINUTES[1], advanced=True)


@dataclass(frozen=True, slots=True)
class _PreparedTemplate:
    config: TemplateConfig
    header: Template
    header_url: Template
    body: list[Template]
    url_suffix: Template
    index: OptionIndex


def _prepare_template(config: TemplateConfig, texts: TemplateCompiler) -> _PreparedTemplate:
    return _PreparedTemplate(
        config, texts(config.header), texts(config.header_url), [texts(b) for b in config.body],
        texts(config.url_suffix), index_options([(b.id, b.title) for b in config.buttons]),
    )  # fmt: skip


def _reply_places(config: TemplateConfig) -> list[int]:
    """Where the quick replies stand among all of the template's buttons."""
    return [i if button.place is None else button.place for i, button in enumerate(config.buttons)]


def _link_place(config: TemplateConfig) -> int:
    """Where the variable link stands among all of the template's buttons; unknown, after the quick replies."""
    return len(config.buttons) if config.url_place is None else config.url_place


def _run_template(visit: Visit, prepared: _PreparedTemplate) -> Outcome:
    config = prepared.config
    header: ContentHeader | None = None
    if config.header_type == "text":
        header = ContentHeader(text=visit.clipped(prepared.header, WA_HEADER))
    elif config.header_type != "none" and config.header_media_id:
        header = ContentHeader(type=config.header_type, media_id=config.header_media_id)
    elif config.header_type != "none":
        header = ContentHeader(type=config.header_type, url=visit.text(prepared.header_url).strip())
    values = [visit.text(value) for value in prepared.body]
    suffix = visit.text(prepared.url_suffix).strip()
    if visit.failed and visit.has("error"):
        return Go("error", "a text could not be rendered")
    if not config.name.strip():
        return skipped(visit)
    buttons = [
        TemplateButtonParameter(index=place, kind="quick_reply", value=button.id)
        for place, button in zip(_reply_places(config), config.buttons, strict=True)
    ]
    if suffix:
        buttons.append(TemplateButtonParameter(index=_link_place(config), kind="url", value=suffix))
    # Meta refuses an empty variable; a dash keeps the template deliverable.
    body = [value.strip() or "-" for value in values]
    named = dict(zip(config.body_names, body, strict=False))
    visit.send(
        TemplateContent(
            name=config.name,
            language=config.language,
            header=header,
            header_name=config.header_name if header is not None and header.type == "text" else "",
            body=[] if named else body,
            named_body=named,
            buttons=sorted(buttons, key=lambda button: button.index),
        )
    )
    if not any(visit.has(f"option:{b.id}") for b in config.buttons):
        return Go("next", "sent")
    minutes = config.timeout_minutes
    return WaitFor("message", visit.minutes_from_now(minutes) if minutes else None, 0, "waits for a button")


def _resume_template(visit: Visit, prepared: _PreparedTemplate, _resume: Resume) -> Outcome:
    chosen, why = choose(prepared.index, visit.text_in, visit.selection)
    if chosen is not None:
        visit.choose(chosen)
    if chosen is not None and visit.has(f"option:{chosen}"):
        return Go(f"option:{chosen}", why)
    return Go("next", why)


def _template_ports(config: TemplateConfig) -> list[Port]:
    options = [Port(id=f"option:{b.id}", label=b.title) for b in config.buttons]
    return [*options, PORT_NEXT, PORT_ERROR]


def _template_waits(config: Any, wired: frozenset[str]) -> bool:
    return any(f"option:{b.id}" in wired for b in config.buttons)


def _check_template(config: TemplateConfig) -> list[ConfigIssue]:
    issues = check_options([(f"/buttons/{i}", b.id, b.title) for i, b in enumerate(config.buttons)], max_id=256)
    name = config.name
    if name and not all(c.isascii() and (c.islower() or c.isdigit() or c == "_") for c in name):
        issues.append(ConfigIssue("invalid_template_name", "/name", params={"name": name[:80]}))
    issues += [ConfigIssue("missing_value", f"/body/{i}") for i, value in enumerate(config.body) if not value.strip()]
    if config.header_type in MEDIA_HEADER and not (config.header_media_id or config.header_url.strip()):
        issues.append(ConfigIssue("missing_value", "/header_url"))
    return issues


def _option_ids(config: ButtonsConfig | ListConfig) -> list[str]:
    if isinstance(config, ListConfig):
        return [row.id for section in config.sections for row in section.rows]
    return [button.id for button in config.buttons]


def _menu_writes(config: ButtonsConfig | ListConfig) -> list[Writes]:
    if not config.variable:
        return []
    return [
        # Through `other` it keeps the typed text. (Only a pressed button of an older message leaves it as it was.)
        Writes(config.variable, "text", option_ports(_option_ids(config)) | {"other"}, "/variable"),
    ]


def _menu_sends(config: ButtonsConfig | ListConfig, wired: frozenset[str]) -> list[Sends]:
    kind: Literal["buttons", "list"] = "list" if isinstance(config, ListConfig) else "buttons"
    options = len(_option_ids(config))
    sends = [Sends(kind, options=options)]
    again = 0 if "other" in wired else config.max_attempts - 1
    if again:
        sends.append(Sends(kind, "reply", 0, again, options=options))
    if again and config.retry_message.strip():
        sends.append(Sends("text", "reply", 0, again, "/retry_message"))
    return sends


def _template_pause(config: TemplateConfig, port: str, wired: frozenset[str]) -> Pause:
    return REPLY if port != "error" and _template_waits(config, wired) else NO_PAUSE


def _template_sends(config: TemplateConfig, _wired: frozenset[str]) -> list[Sends]:
    return [Sends("template", pointer="/name", template=config.name, options=len(config.buttons))]


def _template_refers(config: TemplateConfig) -> list[Refers]:
    return [
        Refers(
            "template", (config.name,), "/name", "error", config.language, len(config.body),
            placeholders=tuple(config.body_names), header=config.header_name,
            replies=tuple(_reply_places(config)), link=_link_place(config) if config.url_suffix.strip() else None,
        )
    ]  # fmt: skip


MSG_BUTTONS = NodeType(
    type="msg_buttons", group="message", icon="square-mouse-pointer", aliases=("buttons", "interactive_buttons"),
    config_model=ButtonsConfig, ports=_buttons_ports, prepare=_prepare_menu, run=_run_menu, resume=_resume_menu,
    waits=always, check=_check_buttons, writes=_menu_writes, sends=_menu_sends, summary_field="body",
    default_config={"body": "", "buttons": [{"id": "option_1", "title": ""}]},
)  # fmt: skip
MSG_LIST = NodeType(
    type="msg_list", group="message", icon="list", aliases=("interactive_list", "list"), config_model=ListConfig,
    ports=_list_ports, prepare=_prepare_menu, run=_run_menu, resume=_resume_menu, waits=always, check=_check_list,
    writes=_menu_writes, sends=_menu_sends, summary_field="body",
    default_config={"body": "", "button": "Menu", "sections": [{"title": "", "rows": [{"id": "row_1", "title": ""}]}]},
)  # fmt: skip
MSG_TEMPLATE = NodeType(
    type="msg_template", group="message", icon="layout-template", aliases=("template",), config_model=TemplateConfig,
    ports=_template_ports, prepare=_prepare_template, run=_run_template, resume=_resume_template,
    waits=_template_waits, check=_check_template, pause=_template_pause, sends=_template_sends,
    refers=_template_refers, summary_field="name",
    default_config={"name": "", "language": "pt_BR", "body": [], "buttons": []},
)  # fmt: skip

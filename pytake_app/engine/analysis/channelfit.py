"""Channels: what each attached channel can't show as it is, and what becomes of it there.

The rules are those of the channels' own degradation (buttons and lists become numbered lists, media
become links, the typing sign is dropped…); what has no substitute can't be sent there at all.
"""

from __future__ import annotations

from typing import Any

from pytake_app.engine.analysis.graph import FlowGraph, FlowNode
from pytake_app.engine.analysis.report import Report
from pytake_app.engine.findings import ChannelFacts, Severity, VerifyEnv
from pytake_app.engine.nodes.base import Config
from pytake_app.engine.nodes.facts import Sends

Params = dict[str, str | int]


def length(text: str, channel: ChannelFacts) -> int:
    """Length of a text as the channel counts it (an emoji is 1 code point, 2 UTF-16 units, 4 bytes)."""
    if channel.units == "utf16":
        return len(text.encode("utf-16-le", "replace")) // 2
    return len(text.encode("utf-8", "replace")) if channel.units == "bytes" else len(text)


def check_channels(graph: FlowGraph, env: VerifyEnv, report: Report) -> None:
    """Findings for every attached channel."""
    for node in graph.nodes.values():
        if node.id not in graph.live or node.config is None:
            continue
        told: set[tuple[str, str]] = set()
        impossible = [c for c in env.channels if any(_impossible(s, c) for s in node.sends)]
        # With another channel that can, it is a matter of where the flow is used.
        severity: Severity = "error" if impossible and len(impossible) == len(env.channels) else "warning"
        for channel in env.channels:
            for sends in node.sends:
                key = (channel.channel, sends.kind)
                if sends.at != "reply" and key not in told:
                    told.add(key)
                    _check(node, node.config, sends, channel, severity, report)


def _impossible(sends: Sends, channel: ChannelFacts) -> bool:
    if sends.kind == "media":
        return not sends.by_link and not getattr(channel, sends.media, False)
    return (sends.kind == "template" and not channel.templates) or (sends.kind == "form" and not channel.forms)


def _check(
    node: FlowNode, config: Config, sends: Sends, channel: ChannelFacts, worst: Severity, report: Report
) -> None:
    named: Params = {"channel": channel.name or channel.channel}
    more: dict[str, Any] = {"pointer": sends.pointer, "params": named}
    kind = sends.kind
    if _impossible(sends, channel):
        if kind == "template":
            report.add("unsupported_template", worst, node.id, **more)
        elif kind == "form":
            report.add("unsupported_form", worst, node.id, **more)
        else:
            report.add("unsupported_media", worst, node.id, pointer="/media_id", params=named)
    elif kind == "buttons" and (channel.buttons == "no" or sends.options > channel.max_buttons):
        report.add("degrade_buttons_as_numbers", "warning", node.id, pointer="/buttons", params=named)
    elif kind == "buttons" and channel.buttons == "quick_replies":
        report.add("degrade_buttons_as_quick_replies", "info", node.id, pointer="/buttons", params=named)
    elif kind == "list" and not channel.lists:
        report.add("degrade_list_as_numbers", "warning", node.id, pointer="/sections", params=named)
    elif kind == "media" and not getattr(channel, sends.media, False):
        report.add("degrade_media_as_link", "warning", node.id, pointer="/kind", params=named)
    elif kind == "cta_url" and not channel.cta_url:
        report.add("degrade_cta_url_as_text", "warning", node.id, pointer="/url", params=named)
    elif kind == "location" and not channel.location:
        report.add("degrade_location_as_text", "warning", node.id, params=named)
    elif kind == "location_request" and not channel.location_request:
        report.add("degrade_location_request_as_text", "warning", node.id, params=named)
    elif kind == "contacts" and not channel.contacts:
        report.add("degrade_contacts_as_text", "warning", node.id, params=named)
    elif kind == "reaction" and not channel.reactions:
        report.add("degrade_reaction_dropped", "warning", node.id, params=named)
    if sends.typing and not channel.typing:
        report.add("degrade_typing_ignored", "info", node.id, pointer="/typing_seconds", params=named)
    _lengths(node, config, sends, channel, report)


def _lengths(node: FlowNode, config: Config, sends: Sends, channel: ChannelFacts, report: Report) -> None:
    if channel.channel == "whatsapp":
        return  # its limits are those of the blocks' own fields
    text = getattr(config, sends.pointer.strip("/"), None)
    name = channel.name or channel.channel
    if channel.max_text is not None and isinstance(text, str) and "{" not in text:
        size = length(text, channel)
        if size > channel.max_text:
            params: Params = {"channel": name, "length": size, "max": channel.max_text}
            report.add("degrade_text_too_long", "warning", node.id, pointer=sends.pointer, params=params)
    if channel.max_button_title is None or sends.kind != "buttons" or channel.buttons == "no":
        return
    for index, button in enumerate(getattr(config, "buttons", ())):
        size = len(button.title)  # platforms count titles in characters, whatever they count texts in
        if "{" not in button.title and size > channel.max_button_title:
            params = {"channel": name, "length": size, "max": channel.max_button_title}
            pointer = f"/buttons/{index}/title"
            report.add("degrade_button_too_long", "warning", node.id, pointer=pointer, params=params)

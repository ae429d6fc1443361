"""Content: what was left in texts by mistake, words of another language, keywords that are taken."""

from __future__ import annotations

import re
from typing import Any, Final

from pytake_app.engine.analysis.graph import FlowGraph, FlowNode
from pytake_app.engine.analysis.report import Report
from pytake_app.engine.findings import VerifyEnv
from pytake_app.engine.nodes.base import Config
from pytake_app.engine.nodes.triggers import KeywordConfig
from pytake_app.engine.textmatch import fold_answer
from pytake_app.engine.verify_nodes import plan

_LEFT_OVER: Final = re.compile(
    r"(?i:lorem ipsum)|\b(?:TODO:|FIXME\b|TBD\b)|(?i:\[(?:nome|name|nombre|empresa|company|link|texto|text|date)\])"
)
_SINGLE: Final = re.compile(r"(?<![{%\w])\{\s*[A-Za-z_][\w.]*\s*\}(?!\})|%[A-Za-z_]\w+%|<<\s*\w+\s*>>|\$\{\s*\w+\s*\}")
_NUMBERED: Final = re.compile(r"\{\{\s*\d+\s*\}\}")
_WORD: Final = re.compile(r"[^\W\d_]+")


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


_COMMON: Final[dict[str, frozenset[str]]] = {
    "pt_BR": _words(
        "você vocês não com uma um para por qual seu sua nosso nossa obrigado obrigada olá é são está em da dos das",
        "no na nos nas ou mas quando onde quer posso falar aqui agora já até também fazer escolha digite",
    ),
    "en": _words(
        "you your the and with please what which our thanks thank hello is are of in to for or but when where want can",
        "here now how would like we this that choose type",
    ),
    "es": _words(
        "usted ustedes no con una un para por cuál su nuestro nuestra gracias hola es son está en del de los las el la",
        "pero cuando donde quiere puedo hablar aquí ahora ya hasta también hacer elija escriba qué cómo",
    ),
}
"""Words that are frequent in a language. Those shared by two languages tell nothing between them."""
_MIN_WORDS: Final = 3


def language_of(text: str) -> str | None:
    """The language a text is surely written in: at least three frequent words of it that the other two
    don't have, and none of theirs. None: can't be told."""
    words = [w.lower() for w in _WORD.findall(text)]
    if len(words) < _MIN_WORDS:
        return None
    own = {
        language: sum(1 for w in words if w in common and not any(w in c for o, c in _COMMON.items() if o != language))
        for language, common in _COMMON.items()
    }
    best = max(own, key=lambda language: own[language])
    others = sum(count for language, count in own.items() if language != best)
    return best if own[best] >= _MIN_WORDS and others == 0 else None


def check_wording(graph: FlowGraph, report: Report) -> None:
    """Findings about texts."""
    locale = graph.document.settings.locale
    for node in graph.nodes.values():
        if node.config is not None and node.name not in ("note", "group"):
            _walk(node, node.config, "", locale, report)


def _walk(node: FlowNode, config: Config, base: str, locale: str, report: Report) -> None:
    for field in plan(type(config)):
        value: Any = getattr(config, field.name)
        pointer = f"{base}/{field.name}"
        if not value or any(getattr(config, name, None) not in allowed for name, allowed in field.show_if.items()):
            continue
        if isinstance(value, str):
            _text(node, value, pointer, locale, report, variables=field.variables, prose=field.prose)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, Config):
                    _walk(node, item, f"{pointer}/{index}", locale, report)
                elif isinstance(item, str) and item:
                    _text(node, item, f"{pointer}/{index}", locale, report, variables=field.variables, prose=False)


def _text(
    node: FlowNode, text: str, pointer: str, locale: str, report: Report, *, variables: bool, prose: bool
) -> None:
    if "{" in text or "}" in text or "%" in text or "<<" in text:
        if not variables:
            if "{{" in text:
                report.add("unresolved_expression", "warning", node.id, pointer=pointer, params={"text": text[:60]})
        elif (numbered := _NUMBERED.search(text)) is not None:
            report.add("numbered_placeholder", "warning", node.id, pointer=pointer, params={"text": numbered[0]})
        elif prose and (single := _SINGLE.search(re.sub(r"\{[{%].*?[}%]\}", "", text))) is not None:
            report.add("single_brace", "warning", node.id, pointer=pointer, params={"text": single[0][:60]})
        elif text.count("}}") > text.count("{{"):
            report.add("stray_braces", "warning", node.id, pointer=pointer, params={"text": text[:60]})
    if not prose:
        return
    left = _LEFT_OVER.search(text)
    if left is not None:
        report.add("left_over_text", "warning", node.id, pointer=pointer, params={"text": left[0][:60]})
    elif len(text) >= 12 and (language := language_of(text)) not in (None, locale):
        report.add("other_language", "info", node.id, pointer=pointer, params={"language": str(language)})


def check_keywords(graph: FlowGraph, env: VerifyEnv, report: Report) -> None:
    """Keywords that opt out, or that two triggers of this flow, or something else of the organization, answer too."""
    opt_out = {fold_answer(word) for word in env.opt_out_words}
    for word in (*graph.document.settings.interrupt_keywords, *graph.document.settings.restart_keywords):
        if fold_answer(word) in opt_out:
            report.add("keyword_opts_out", "warning", params={"word": word[:80]})
    taken: dict[tuple[str, str], tuple[str, str]] = {}
    for owner in env.keywords:
        for word in owner.words:
            taken.setdefault((owner.match_type, fold_answer(word)), (owner.kind, owner.name))
    own: dict[str, str] = {}
    for node in graph.nodes.values():
        if not isinstance(node.config, KeywordConfig) or node.config.match_type == "regex":
            continue
        for index, word in enumerate(node.config.words):
            folded = fold_answer(word)
            if not folded:
                continue
            params: dict[str, str | int] = {"word": word[:80]}
            more: dict[str, Any] = {"pointer": f"/words/{index}", "params": params}
            same = taken.get((node.config.match_type, folded))
            if folded in opt_out:
                report.add("keyword_opts_out", "warning", node.id, **more, mend="drop_word")
            elif own.setdefault(folded, node.id) != node.id:
                report.add("keyword_twice", "warning", node.id, **more, mend="drop_word")
            elif same is not None:
                params["owner"] = same[1][:80]
                if same[0] == "flow":
                    report.add("keyword_in_flow", "warning", node.id, **more, mend="drop_word")
                else:
                    report.add("keyword_in_rule", "warning", node.id, **more, mend="drop_word")

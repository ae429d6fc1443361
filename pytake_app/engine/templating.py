"""Liquid expressions with hard limits: parsed once per flow version, bounded in time and space.

The bounds are counted (characters, iterations, list items), not clocked, so the same flow with the same
input always gives the same result. Templates made of plain ``{{ path }}`` outputs, nearly all of them,
take a short cut that doesn't enter the library.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from liquid import Environment, RenderContext
from liquid.builtin.output import OutputNode
from liquid.exceptions import (
    LiquidError,
    LoopIterationLimitError,
    OutputStreamLimitError,
    ResourceLimitError,
    UndefinedError,
)
from liquid.template import BoundTemplate
from liquid.undefined import FalsyStrictUndefined, Undefined
from pydantic import JsonValue

from pytake_app.engine.answers import parse_number
from pytake_app.engine.filters import ALLOWED_BUILTIN, SCOPE_FILTERS, text_of
from pytake_app.engine.jsontext import storable_number
from pytake_app.engine.limits import (
    MAX_EXPRESSION_CHARS,
    MAX_INTEGER_BITS,
    MAX_LIST_ITEMS,
    MAX_LOOP_ITERATIONS,
    MAX_OUTPUT_BYTES,
    MAX_RENDER_WORK,
    MAX_TEMPLATE_CHARS,
)
from pytake_app.engine.scope import MISSING, Scope

_ALLOWED_TAGS: Final = frozenset(
    {"if", "unless", "case", "for", "break", "continue", "assign", "capture", "comment", "raw", "#", "cycle"}
)
_PATH = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)\s*\}\}")
_MARKUP = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_BLANKS = re.compile(r"\s{60}")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_SMALL_RANGE = re.compile(r"\(\s*-?\d{1,3}\s*\.\.\s*-?\d{1,3}\s*\)")
_MATH: Final = frozenset(
    {"plus", "minus", "times", "divided_by", "modulo", "round", "ceil", "floor", "abs", "at_least", "at_most"}
)
_LITERALS: Final = frozenset({"true", "false", "nil", "null", "none", "empty", "blank"})
_PYTHON_ERRORS: Final = (ArithmeticError, ValueError, TypeError, LookupError, AttributeError, RecursionError)


class TemplateFailure(Exception):
    """A template that can't be parsed or rendered. ``code`` is an error event's code."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class _Context(RenderContext):
    """Render context that records reads and spends a budget."""

    __slots__ = ("iterations", "work")

    def __init__(self, template: BoundTemplate, *, scope: Scope) -> None:
        super().__init__(template, globals=scope)
        self.work = 0
        self.iterations = 0

    def spend(self, amount: int) -> None:
        self.work += amount
        if self.work > MAX_RENDER_WORK:
            raise LoopIterationLimitError("render work limit reached", token=None)

    def raise_for_loop_limit(self, length: int = 1) -> None:
        self.iterations += length
        if self.iterations > MAX_LOOP_ITERATIONS:
            raise LoopIterationLimitError("loop iteration limit reached", token=None)
        self.spend(length * max(len(self.template.name), 1))

    def get(self, path: list[object], *, token: Any, default: object = MISSING) -> object:
        value = (
            super().get(path, token=token) if default is MISSING else super().get(path, token=token, default=default)
        )
        if isinstance(self.globals, Scope) and path[0] not in self.locals:
            name = ".".join(str(p) for p in path)
            self.globals.reads[name] = None if isinstance(value, Undefined) else value
        return value

    def filter(self, name: str, token: Any) -> Callable[..., object]:
        func = super().filter(name, token)
        scoped = name in SCOPE_FILTERS
        scope = self.globals
        counts = name in _MATH

        def guarded(left: object, *args: object, **kwargs: object) -> object:
            if counts:
                left, args = _counted(left, scope), tuple(_counted(arg, scope) for arg in args)
            self.spend(16 + _size(left) + sum(map(_size, args)))
            result = func(scope, left, *args, **kwargs) if scoped else func(left, *args, **kwargs)
            if _size(result) > (MAX_OUTPUT_BYTES if isinstance(result, str) else MAX_LIST_ITEMS):
                raise OutputStreamLimitError(f"{name}: result too long", token=token)
            return result

        return guarded


def _counted(value: object, scope: object) -> object:
    """A text such as ``10,50`` as the number it is: Liquid itself would take it for nothing."""
    if not isinstance(value, str) or "," not in value:
        return value
    number = parse_number(value, scope.locale if isinstance(scope, Scope) else "pt_BR")
    return value if number is None else number


def _size(value: object) -> int:
    if isinstance(value, str | list | tuple | dict | range):
        return len(value)
    if isinstance(value, int) and value.bit_length() > MAX_INTEGER_BITS:
        raise OutputStreamLimitError("number out of range", token=None)
    return 1


class _Environment(Environment):
    block_nesting_limit = 15
    context_depth_limit = 20
    loop_iteration_limit = MAX_LOOP_ITERATIONS
    local_namespace_limit = 200_000
    output_stream_limit = MAX_OUTPUT_BYTES

    def __init__(self, undefined: type[Undefined]) -> None:
        super().__init__(undefined=undefined, strict_filters=True)
        for name in [t for t in self.tags if t.isalpha() and t not in _ALLOWED_TAGS and not _is_core(t)]:
            del self.tags[name]
        for name in [f for f in self.filters if f not in ALLOWED_BUILTIN]:
            del self.filters[name]
        self.filters.update(SCOPE_FILTERS)


def _is_core(tag: str) -> bool:
    return tag in {"content", "output", "illegal", "literal", "statement", "expression", "tag"}


_LENIENT: Final = _Environment(Undefined)
_STRICT: Final = _Environment(FalsyStrictUndefined)


class Template:
    """A text with expressions. ``problem`` (code, message) says why it can't be rendered at all."""

    __slots__ = ("_lenient", "_paths", "_strict", "literal", "native", "parts", "problem", "source")

    def __init__(self, source: str) -> None:
        self.source = source
        self.problem: tuple[str, str] | None = None
        self.parts: list[str | tuple[str, ...]] | None = None
        self._lenient: BoundTemplate | None = None
        self._strict: BoundTemplate | None = None
        self._paths: frozenset[tuple[str, ...]] = frozenset()
        self.native = False
        """The whole template is one output: ``evaluate`` gives its value, not its text."""
        self.literal: str | None = None
        """The text, when nothing in it varies. No longer than an output may be, as no template is."""
        if len(source) > MAX_TEMPLATE_CHARS:
            self.problem = ("template_limit", f"text longer than {MAX_TEMPLATE_CHARS} characters")
        elif "{{" not in source and "{%" not in source:
            self.parts = [source] if source else []
            self.literal = source
        elif source.rfind("{{") > source.rfind("}}") or source.rfind("{%") > source.rfind("%}"):
            # Checked here because the library's search for the end is quadratic in such a text.
            self.problem = ("template_syntax", "an expression is not closed")
        else:
            self._parse()

    @property
    def is_literal(self) -> bool:
        """True when nothing in it varies."""
        return self.parts is not None and all(isinstance(p, str) for p in self.parts)

    def _parse(self) -> None:
        source = self.source
        matches = list(_PATH.finditer(source))
        plain = "{%" not in source and source.count("{{") == len(matches)
        paths = [tuple(m.group(1).split(".")) for m in matches]
        if plain and not any(p[0] in _LITERALS for p in paths):
            parts: list[str | tuple[str, ...]] = []
            at = 0
            for match, path in zip(matches, paths, strict=True):
                if match.start() > at:
                    parts.append(source[at : match.start()])
                parts.append(path)
                at = match.end()
            if at < len(source):
                parts.append(source[at:])
            self.parts = parts
            self.native = len(parts) == 1
            return
        for markup in _MARKUP.findall(source):
            # The library's parser takes quadratic time over such texts.
            if len(markup) > MAX_EXPRESSION_CHARS or markup.count("[") > 20 or _BLANKS.search(markup):
                self.problem = ("template_limit", f"an expression has at most {MAX_EXPRESSION_CHARS} characters")
                return
            if ".." in _SMALL_RANGE.sub("", _QUOTED.sub("", markup)):
                self.problem = ("template_limit", "a range needs two whole numbers below 1000")
                return
        try:
            # The source doubles as the template's name: its length weighs loop iterations.
            self._lenient = _LENIENT.from_string(source, name=source)
            analysis = self._lenient.analyze()
            unknown = sorted(set(analysis.filters) - set(_LENIENT.filters))
            self._paths = frozenset(
                tuple(str(segment) for segment in use.segments[:2])
                for uses in analysis.globals.values()
                for use in uses
            )
        except (LiquidError, *_PYTHON_ERRORS) as error:
            self.problem = ("template_syntax", _short(error))
            return
        if unknown:
            self.problem = ("template_syntax", f"unknown filter {unknown[0]!r}")
            return
        nodes = self._lenient.nodes
        self.native = len(nodes) == 1 and isinstance(nodes[0], OutputNode)

    def roots(self) -> set[str]:
        """The names it reads, first segments only (for the verifier)."""
        return {path[0] for path in self.paths()}

    def paths(self) -> frozenset[tuple[str, ...]]:
        """The names it reads, first two segments only (for the verifier)."""
        if self.parts is not None:
            return frozenset(part[:2] for part in self.parts if not isinstance(part, str))
        return self._paths

    def render(self, scope: Scope, *, strict: bool) -> str:
        """The text. Raises TemplateFailure; with ``strict`` also for an unknown variable."""
        if self.parts is not None:
            return self._join(scope, strict=strict)
        bound = self._bound(strict=strict)
        context = _Context(bound, scope=scope)
        buffer = context.get_buffer()
        try:
            bound.render_with_context(context, buffer)
        except (LiquidError, *_PYTHON_ERRORS) as error:
            raise _failure(error) from error
        return buffer.getvalue()

    def _join(self, scope: Scope, *, strict: bool) -> str:
        out: list[str] = []
        for part in self.parts or ():
            if isinstance(part, str):
                out.append(part)
                continue
            value = scope.lookup(part)
            if value is MISSING:
                if strict:
                    raise TemplateFailure("undefined_variable", f"{'.'.join(part)} is not defined")
                continue
            out.append(value if isinstance(value, str) else printed(value))
        text = "".join(out)
        if len(text) > MAX_OUTPUT_BYTES:
            raise TemplateFailure("template_limit", "output too long")
        return text

    def evaluate(self, scope: Scope, *, strict: bool) -> JsonValue:
        """The value: of the one expression if that's all there is, else the rendered text."""
        if not self.native:
            return self.render(scope, strict=strict)
        if self.parts is not None:
            path = self.parts[0]
            value = scope.lookup(path) if isinstance(path, tuple) else path
            if value is MISSING:
                if strict:
                    raise TemplateFailure("undefined_variable", f"{'.'.join(path)} is not defined")
                return None
            return plain_json(value)
        bound = self._bound(strict=strict)
        node = bound.nodes[0]
        context = _Context(bound, scope=scope)
        try:
            if not isinstance(node, OutputNode):
                return self.render(scope, strict=strict)
            value = node.expression.evaluate(context)
            if isinstance(value, Undefined):
                str(value)
                return None
            return plain_json(value)
        except (LiquidError, *_PYTHON_ERRORS) as error:
            raise _failure(error) from error

    def _bound(self, *, strict: bool) -> BoundTemplate:
        if self.problem is not None or self._lenient is None:
            raise TemplateFailure(*(self.problem or ("template_syntax", "can't be parsed")))
        if not strict:
            return self._lenient
        if self._strict is None:
            self._strict = _STRICT.from_string(self.source, name=self.source)
        return self._strict


def _failure(error: Exception) -> TemplateFailure:
    if isinstance(error, UndefinedError):
        return TemplateFailure("undefined_variable", _short(error))
    if isinstance(error, ResourceLimitError | RecursionError):
        return TemplateFailure("template_limit", _short(error))
    return TemplateFailure("template_error", _short(error))


def _short(error: Exception) -> str:
    message = getattr(error, "message", None) or str(error) or type(error).__name__
    return str(message).splitlines()[0][:160]


def printed(value: Any) -> str:
    """A value as an output statement prints it; an object as JSON."""
    if isinstance(value, Mapping):
        return json.dumps(plain_json(value), ensure_ascii=False)
    return text_of(value)


def plain_json(value: Any) -> JsonValue:
    """A Liquid value as plain JSON (dates as ISO text, decimals as numbers)."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int | float):
        return storable_number(value)
    if isinstance(value, Decimal):
        return plain_json(float(value))
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(k): plain_json(v) for k, v in value.items()}
    if isinstance(value, list | tuple | range):
        return [plain_json(v) for v in value]
    return text_of(value)


class TemplateCompiler:
    """Compiles texts of one flow version, each distinct text once."""

    __slots__ = ("_cache",)

    def __init__(self) -> None:
        self._cache: dict[str, Template] = {}

    def __call__(self, source: str) -> Template:
        template = self._cache.get(source)
        if template is None:
            template = self._cache[source] = Template(source)
        return template

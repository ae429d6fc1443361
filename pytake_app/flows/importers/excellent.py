"""RapidPro's expressions (`@contact.name`, `@(upper(results.name))`) as Liquid.

A small reader of the expression language: paths, texts, numbers, calls, and the operators. What has no counterpart
becomes nothing, and is said in the report.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from pytake_app.flows.importers import plain

_ROOTS = frozenset(
    {"contact", "child", "parent", "fields", "globals", "input", "legacy_extra", "locals", "node", "results", "resume",
     "run", "trigger", "ticket", "urns", "webhook"}
)  # fmt: skip
_START = re.compile(r"@(?:(@)|(\()|([A-Za-z_]\w*(?:\.\w+)*))")
_TOKEN = re.compile(
    r"\s*(?:(?P<text>\"(?:[^\"\\]|\\.|\"\")*\")|(?P<number>\d+(?:\.\d+)?)|(?P<path>[A-Za-z_]\w*(?:\.\w+)*)|"
    r"(?P<sign><=|>=|!=|<|>|=|[-+*/&(),]))"
)
_CONTACT = {
    "name": "contact.name", "first_name": "contact.first_name", "language": "contact.language", "uuid": "contact.id",
    "id": "contact.id", "urn": "contact.phone", "tel": "contact.phone", "tel_e164": "contact.phone",
    "whatsapp": "contact.phone", "groups": "contact.tags", "email": "contact.email",
}  # fmt: skip
_FILTERS = {
    "upper": "upcase", "lower": "downcase", "proper": "capitalize", "title": "capitalize", "trim": "strip",
    "clean": "strip", "length": "size", "text_length": "size", "round": "round", "abs": "abs", "number": "plus: 0",
    "url_encode": "url_encode", "round_up": "ceil", "round_down": "floor", "format_number": "round", "text": "",
    "format_urn": "phone", "count": "size",
}  # fmt: skip
_DATES = {"format_date": "date", "format_datetime": 'date: "datetime"', "date": "", "datetime": "", "parse_date": ""}
_MATH = {"+": "plus", "-": "minus", "*": "times", "/": "divided_by"}
_COMPARE = {"=": "==", "!=": "!=", "<": "<", ">": ">", "<=": "<=", ">=": ">="}
_MAX_TOKENS = 200
_MAX_EXPRESSION = 450


class _Unknown(Exception):
    """This part has no counterpart."""


@dataclass(slots=True)
class Expressions:
    """Translates texts of one flow; `categories` collects results whose category is read somewhere."""

    categories: set[str] = field(default_factory=set)

    def template(self, value: object, *, limit: int = plain.MAX_TEXT) -> tuple[str, list[str]]:
        """A text with our expressions, and those of its expressions that have no counterpart."""
        source = plain.text(value, limit)
        out: list[str] = []
        lost: list[str] = []
        at = 0
        while (match := _START.search(source, at)) is not None:
            out.append(plain.literal(source[at : match.start()]))
            at = match.end()
            if match.group(1):
                out.append("@")
            elif match.group(3):
                path = match.group(3)
                if path.split(".")[0].lower() not in _ROOTS:
                    out.append(match.group(0))
                    continue
                out.append(self._written(path, lost))
            else:
                end = _closing(source, at)
                if end is None:
                    out.append("@(")
                    continue
                out.append(self._written(source[at:end], lost))
                at = end + 1
        out.append(plain.literal(source[at:]))
        made = "".join(out)
        if len(made) > plain.MAX_TEXT + 900:
            lost.append("a text that is too long with its expressions")
            made = plain.literal(source)[: plain.MAX_TEXT]
        return made, lost

    def _written(self, source: str, lost: list[str]) -> str:
        try:
            made = _Reader(source, self).outputs()
        except _Unknown:
            lost.append(f"@({source[:80]})" if not re.fullmatch(r"[\w.]+", source) else f"@{source[:80]}")
            return ""
        return made

    def path(self, name: str) -> str:
        """A path of theirs as one of ours."""
        parts = name.split(".")
        root, rest = parts[0].lower(), parts[1:]
        if root in ("parent", "child", "run") and rest:
            # Variables are shared between a flow and those it calls.
            return self.path(".".join(rest))
        if root == "results" and rest:
            return self._result(rest)
        if root == "contact":
            if not rest:
                return "contact.name"
            if rest[0] == "fields" and len(rest) > 1:
                return f"contact.{_key(rest[1])}"
            if rest[0] in _CONTACT:
                return _CONTACT[rest[0]]
        elif root == "fields" and rest:
            return f"contact.{_key(rest[0])}"
        elif root == "urns":
            return "contact.phone"
        elif root == "input":
            return "message.media.url" if rest[:1] == ["attachments"] else "message.text"
        elif root == "webhook":
            return ".".join(["webhook", *(_key(part) for part in rest if part not in ("json", "status"))])
        elif (root == "trigger" and rest[:1] == ["params"] and len(rest) > 1) or (root == "legacy_extra" and rest):
            return plain.identifier(rest[-1])
        elif root == "locals" and rest:
            return plain.identifier(rest[0])
        raise _Unknown

    def _result(self, rest: list[str]) -> str:
        name = plain.identifier(rest[0])
        if rest[1:] in ([], ["value"], ["input"], ["text"]):
            return name
        if rest[1] in ("category", "category_localized"):
            self.categories.add(name)
            return f"{name}_category"
        if rest[1] == "extra":
            return ".".join(["webhook", *(_key(part) for part in rest[2:])])
        raise _Unknown


def _key(part: str) -> str:
    return plain.identifier(part) if not re.fullmatch(r"[A-Za-z_]\w{0,60}", part) else part


def _closing(source: str, at: int) -> int | None:
    depth, text = 1, False
    for index in range(at, min(len(source), at + 2_000)):
        char = source[index]
        if char == '"':
            text = not text
        elif not text and char == "(":
            depth += 1
        elif not text and char == ")":
            depth -= 1
            if depth == 0:
                return index
    return None


@dataclass(frozen=True, slots=True)
class _Value:
    """A Liquid value with its filters; `plain` is a path, number or text that a filter takes as its argument."""

    base: str
    filters: tuple[str, ...] = ()

    @property
    def argument(self) -> str:
        if self.filters:
            raise _Unknown
        return self.base

    def piped(self, *filters: str) -> _Value:
        return _Value(self.base, (*self.filters, *(f for f in filters if f)))

    def __str__(self) -> str:
        return " | ".join((self.base, *self.filters))


class _Reader:
    """One expression: concatenation, comparison, sums, products, calls."""

    def __init__(self, source: str, owner: Expressions) -> None:
        self.owner = owner
        self.tokens: list[tuple[str, str]] = []
        at = 0
        source = source.strip()
        while at < len(source):
            match = _TOKEN.match(source, at)
            if match is None or match.lastgroup is None or len(self.tokens) >= _MAX_TOKENS:
                raise _Unknown
            self.tokens.append((match.lastgroup, match.group(match.lastgroup)))
            at = match.end()
        self.at = 0
        self.depth = 0

    def outputs(self) -> str:
        """The whole expression as output statements."""
        made = self._joined()
        if self.at < len(self.tokens):
            raise _Unknown
        if any(len(part) > _MAX_EXPRESSION for part in made):
            raise _Unknown
        return "".join(made)

    def _peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) and self.tokens[self.at][0] == "sign" else ""

    def _take(self, sign: str) -> None:
        if self._peek() != sign:
            raise _Unknown
        self.at += 1

    def _joined(self) -> list[str]:
        parts = [self._part()]
        while self._peek() == "&":
            self.at += 1
            parts.append(self._part())
        return parts

    def _part(self) -> str:
        if self._is_call("if"):
            return self._choice()
        return f"{{{{ {self._sum()} }}}}"

    def _is_call(self, name: str) -> bool:
        if self.at + 1 >= len(self.tokens):
            return False
        return self.tokens[self.at][1].lower() == name and self.tokens[self.at + 1] == ("sign", "(")

    def _choice(self) -> str:
        """`if(test, yes, no)` as a tag; only where a whole output stands."""
        self._enter()
        self.at += 2
        left = self._sum().argument
        test = left
        if self._peek() in _COMPARE:
            sign = _COMPARE[self._peek()]
            self.at += 1
            test = f"{left} {sign} {self._sum().argument}"
        self._take(",")
        yes = "".join(self._joined())
        no = ""
        if self._peek() == ",":
            self.at += 1
            no = "".join(self._joined())
        self._take(")")
        self.depth -= 1
        return f"{{% if {test} %}}{yes}{{% else %}}{no}{{% endif %}}"

    def _enter(self) -> None:
        self.depth += 1
        if self.depth > 12:
            raise _Unknown

    def _sum(self) -> _Value:
        value = self._product()
        while self._peek() in ("+", "-"):
            sign = self._peek()
            self.at += 1
            value = value.piped(f"{_MATH[sign]}: {self._product().argument}")
        return value

    def _product(self) -> _Value:
        value = self._single()
        while self._peek() in ("*", "/"):
            sign = self._peek()
            self.at += 1
            value = value.piped(f"{_MATH[sign]}: {self._single().argument}")
        return value

    def _single(self) -> _Value:
        if self.at >= len(self.tokens):
            raise _Unknown
        kind, word = self.tokens[self.at]
        self.at += 1
        if kind == "number":
            return _Value(word)
        if kind == "text":
            return _Value(plain.quoted(word[1:-1].replace('\\"', '"').replace('""', '"').replace("\\n", "\n")))
        if word == "-" and self.at < len(self.tokens) and self.tokens[self.at][0] == "number":
            self.at += 1
            return _Value(f"-{self.tokens[self.at - 1][1]}")
        if word == "(":
            self._enter()
            value = self._sum()
            self._take(")")
            self.depth -= 1
            return value
        if kind != "path":
            raise _Unknown
        if self._peek() == "(":
            return self._call(word.lower())
        if word.lower() in ("true", "false", "null"):
            return _Value(word.lower())
        return _Value(self.owner.path(word))

    def _call(self, name: str) -> _Value:
        self._enter()
        self._take("(")
        arguments: list[_Value] = []
        while self._peek() != ")":
            arguments.append(self._sum())
            if self._peek() == ",":
                self.at += 1
            elif self._peek() != ")":
                raise _Unknown
        self._take(")")
        self.depth -= 1
        return _called(name, arguments)


def _called(name: str, arguments: list[_Value]) -> _Value:
    if name in ("now", "today") and not arguments:
        return _Value(name)
    if not arguments:
        raise _Unknown
    first, rest = arguments[0], arguments[1:]
    if name in _FILTERS:
        if name == "round" and rest:
            return first.piped(f"round: {rest[0].argument}")
        return first.piped(_FILTERS[name])
    if name in _DATES:
        return first.piped(_DATES[name])
    if name == "default" and len(rest) == 1:
        return first.piped(f"default: {rest[0].argument}")
    if name in ("word", "first_word"):
        index = rest[0].argument if rest else "0"
        if index in ("0", "1") and (name == "first_word" or index == "0"):
            return first.piped('split: " "', "first")
    if name == "replace" and len(rest) == 2:
        return first.piped(f"replace: {rest[0].argument}, {rest[1].argument}")
    if name == "left" and len(rest) == 1:
        return first.piped(f"slice: 0, {rest[0].argument}")
    raise _Unknown

"""The three catalogues say the same things, and every text that the interface asks for is there."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytake_app.ui import i18n
from pytake_app.ui.i18n import LANGUAGES, LOCALES_DIR, CatalogueError, catalogues, load_catalogue, placeholders, text

UI = Path(i18n.__file__).parent
BASE = "pt-BR"
OTHERS = [tag for tag in LANGUAGES.values() if tag != BASE]
# CLDR's categories for whole numbers below a million; Portuguese and Spanish also have `many` for millions,
# where `other` serves.
PLURALS = {"one", "other"}
# Words of the trade that a native speaker would not say; `API`, `token` or `link` are Portuguese by now.
ENGLISH = [
    "flow",
    "flows",
    "bot",
    "bots",
    "queue",
    "queues",
    "inbox",
    "node",
    "nodes",
    "trigger",
    "triggers",
    "template",
    "templates",
    "handoff",
    "input",
    "output",
    "delay",
    "default",
    "timeout",
    "draft",
    "preview",
    "sandbox",
    "undo",
    "redo",
    "button",
    "buttons",
    "list",
    "settings",
    "save",
    "cancel",
    "delete",
    "close",
    "open",
    "search",
    "agent",
    "agents",
    "message",
    "messages",
    "conversation",
    "contact",
    "step",
    "steps",
    "publish",
    "version",
    "label",
    "error",
    "warning",
    "login",
    "logout",
    "feedback",
    "workflow",
    "chatbot",
    "dashboard",
]
SPANISH_IN_PORTUGUESE = ["el", "los", "las", "una", "usted", "mensaje", "teléfono", "conversación", "contraseña"]
ENGLISH_IN_SPANISH = [word for word in ENGLISH if word not in {"error", "chatbot"}]
SAME_IN_SPANISH = {"common.nav_channels", "flows.filter"}

_LITERAL = re.compile(r"""(?<![\w.])(["'`])([a-z]+(?:\.[a-z0-9_]+)+)\1""")
# `sayOr(key, spare)` has its own text for when there is none.
_OPEN = re.compile(r"(?<!sayOr\()`([a-z]+\.[a-z0-9_.]*)\$\{")
# Placeholders; and names of other people's things: in quotation marks (Meta's field “messages”), products, methods.
_BRACED = re.compile(r"\{[^{}]*\}|“[^”]*”|WhatsApp Flows|\b(?:GET|POST|PUT|PATCH|DELETE)\b")


def texts_of(message: i18n.Message) -> list[str]:
    return [message] if isinstance(message, str) else list(message.values())


def areas() -> set[str]:
    return {key.split(".", 1)[0] for key in catalogues()[BASE]}


def python_files() -> list[Path]:
    return sorted(UI.rglob("*.py"))


def keys_in_python(path: Path) -> Iterator[tuple[str, bool]]:
    """Literals that look like a key, and whether they are only the beginning of one."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            first = node.values[0]
            if isinstance(first, ast.Constant) and re.fullmatch(r"[a-z]+\.[a-z0-9_.]*", str(first.value)):
                yield str(first.value), True
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "t_dynamic":
            prefix = node.args[0]
            if isinstance(prefix, ast.Constant):
                yield f"{prefix.value}.", True
        elif isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in {"t", "say"}:
            at = 0 if getattr(node.func, "id", "") == "t" else 1
            key = node.args[at] if len(node.args) > at else None
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value, False


def keys_in_javascript(path: Path) -> Iterator[tuple[str, bool]]:
    source = path.read_text(encoding="utf-8")
    known = areas()
    for found in _LITERAL.finditer(source):
        if found[2].split(".", 1)[0] in known:
            yield found[2], False
    for found in _OPEN.finditer(source):
        if found[1].split(".", 1)[0] in known:
            yield found[1], True


def missing(wanted: Iterator[tuple[str, bool]]) -> list[str]:
    known = catalogues()[BASE]
    return [key for key, begins in wanted if not (any(k.startswith(key) for k in known) if begins else key in known)]


@pytest.mark.parametrize("tag", OTHERS)
def test_languages_have_the_same_keys(tag: str) -> None:
    base, other = catalogues()[BASE], catalogues()[tag]
    assert sorted(base.keys() ^ other.keys()) == []


@pytest.mark.parametrize("tag", OTHERS)
def test_placeholders_are_the_same(tag: str) -> None:
    base, other = catalogues()[BASE], catalogues()[tag]
    assert {
        k: (placeholders(base[k]), placeholders(other[k]))
        for k in base
        if placeholders(base[k]) != placeholders(other[k])
    } == {}


@pytest.mark.parametrize("tag", OTHERS)
def test_plurals_have_the_same_shape(tag: str) -> None:
    base, other = catalogues()[BASE], catalogues()[tag]
    assert [k for k in base if isinstance(base[k], str) != isinstance(other[k], str)] == []


@pytest.mark.parametrize("tag", LANGUAGES.values())
def test_plural_objects_are_complete(tag: str) -> None:
    plurals = {k: m for k, m in catalogues()[tag].items() if isinstance(m, dict)}
    assert plurals
    for key, message in plurals.items():
        assert PLURALS <= set(message) <= PLURALS | {"zero", "two", "few", "many"}, key


@pytest.mark.parametrize("tag", LANGUAGES.values())
def test_no_text_is_empty_or_loosely_typed(tag: str) -> None:
    for key, message in catalogues()[tag].items():
        for form in texts_of(message):
            assert form.strip(), key
            assert form == form.strip(), key
            assert "  " not in form, key
            assert "..." not in form, f"{key}: use the one-character ellipsis"


def words_in(tag: str, words: list[str]) -> list[str]:
    found = re.compile(rf"\b(?:{'|'.join(map(re.escape, words))})\b", re.IGNORECASE)
    return [
        f"{key}: {form}"
        for key, message in catalogues()[tag].items()
        for form in texts_of(message)
        if key != "common.language_en" and found.search(_BRACED.sub("", form))
    ]


def test_every_plural_depends_on_the_number_somewhere() -> None:
    """English may have one form for both ("started"); a message that never varies is no plural."""
    for key, message in catalogues()[BASE].items():
        if isinstance(message, dict):
            forms = [catalogues()[tag][key] for tag in LANGUAGES.values()]
            assert any(isinstance(form, dict) and form["one"] != form["other"] for form in forms), key


def test_portuguese_speaks_portuguese() -> None:
    assert words_in("pt-BR", ENGLISH + SPANISH_IN_PORTUGUESE) == []


def test_spanish_speaks_spanish() -> None:
    assert words_in("es", [*ENGLISH_IN_SPANISH, "você", "não", "mensagem", "senha", "celular de teste", "fluxo"]) == []


@pytest.mark.parametrize("area", ["common", "auth", "start", "inbox", "sandbox", "flows"])
@pytest.mark.parametrize("tag", OTHERS)
def test_translations_differ_from_the_original(area: str, tag: str) -> None:
    """A page left in Portuguese would have most of its sentences equal."""
    base, other = catalogues()[BASE], catalogues()[tag]
    sentences = [
        k for k in base if k.startswith(area + ".") and isinstance(base[k], str) and len(str(base[k]).split()) > 2
    ]
    same = [k for k in sentences if base[k] == other[k] and k not in SAME_IN_SPANISH]
    assert len(sentences) > 3
    assert same == []


@pytest.mark.parametrize("path", python_files(), ids=lambda path: str(path.relative_to(UI)))
def test_keys_named_in_python_exist(path: Path) -> None:
    assert missing(keys_in_python(path)) == []


@pytest.mark.parametrize("path", sorted((UI / "js").glob("*.js")), ids=lambda path: path.name)
def test_keys_named_in_javascript_exist(path: Path) -> None:
    assert missing(keys_in_javascript(path)) == []


def test_the_search_for_keys_finds_some() -> None:
    assert len([key for path in python_files() for key, _ in keys_in_python(path)]) > 200
    assert len([key for path in (UI / "js").glob("*.js") for key, _ in keys_in_javascript(path)]) > 60


def test_unknown_key_fails_at_import() -> None:
    with pytest.raises(KeyError, match="no text"):
        i18n.t("common.no_such_text")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [({"other.key": "x"}, "must start with"), ({"area.key": {"one": "x"}}, "plural"), ({"area.key": 3}, "plural")],
)
def test_malformed_catalogue_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: object, complaint: str
) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "area.json").write_text(json.dumps(content))
    monkeypatch.setattr(i18n, "LOCALES_DIR", tmp_path)
    with pytest.raises(CatalogueError, match=complaint):
        load_catalogue("en")


def test_server_text_fills_counts_and_names() -> None:
    assert text("pt-BR", "inbox.new_messages", count=1) == "1 mensagem nova"
    assert text("pt_BR", "inbox.new_messages", count=1234) == "1.234 mensagens novas"
    assert text("en-GB", "inbox.new_messages", count=1234).startswith("1,234 ")
    assert text("es", "inbox.placeholder", name="Ana").endswith("Ana")
    with pytest.raises(KeyError):
        text("es", "inbox.no_such_text")


@pytest.mark.parametrize(
    ("wanted", "tag"),
    [("es-MX,es;q=0.9,en;q=0.8", "es"), ("de-DE,en;q=0.5", "en"), ("pt", "pt-BR"), ("", "pt-BR"), ("tlh", "pt-BR")],
)
def test_closest_language(wanted: str, tag: str) -> None:
    assert i18n.match_language(wanted) == tag


def test_every_language_has_every_area() -> None:
    names = {folder: {path.name for path in (LOCALES_DIR / folder).glob("*.json")} for folder in LANGUAGES}
    assert len({frozenset(found) for found in names.values()}) == 1, names

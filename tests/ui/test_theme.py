"""One place for colours and sizes, and no name that leads nowhere."""

import ast
import re
from pathlib import Path

import pytest
from reflex_components_lucide.icon import LUCIDE_ICON_LIST

from pytake_app.engine.nodes import NODE_TYPES
from pytake_app.ui import theme
from pytake_app.ui.layout.nav import NAVIGATION
from pytake_app.ui.theme import DIMENSIONS, MEDIA, STYLES_DIR, stylesheet

UI = Path(theme.__file__).parent
SHEETS = sorted(STYLES_DIR.glob("*.css"))
PYTHON = [path for path in sorted(UI.rglob("*.py")) if path.name != "theme.py"]
SCRIPTS = sorted((UI / "js").glob("*.js"))

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_HEX = re.compile(r"#(?:[0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})\b(?![\w-])")
_COLOUR = re.compile(r"\b(?:rgba?|hsla?|oklch|lab)\(")
_PX = re.compile(r"\b\d*\.?\d+px\b")
_USED = re.compile(r"var\((--[\w-]+)(\s*,)?")
_DEFINED = re.compile(r"(?<![\w-])(--[\w-]+)\s*:")
_RADIX = re.compile(
    r"--(?:gray|slate|jade|blue|violet|amber|cyan|plum|red|black|white|accent)-a?\d+$|--(?:accent|gray)-contrast$"
    r"|--cursor-\w+$|--radius-\d$|--space-\d$|--color-\w+(?:-\w+)*$|--(?:font|line)-(?:size|height|weight)-\w+$"
)
# Written by a script onto the element that the sheet styles.
_SET_BY_SCRIPT = re.compile(r"""["'](--[\w-]+)["']\s*:""")


def name(path: Path) -> str:
    return str(path.relative_to(UI))


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def strings_of(path: Path) -> list[str]:
    """The string literals of a Python file that reach the page: no docstrings, no comments."""
    tree = ast.parse(read(path))
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
    ]


def breaches(text: str) -> list[str]:
    return [found[0] for pattern in (_HEX, _COLOUR, _PX) for found in pattern.finditer(text)]


@pytest.mark.parametrize("path", SHEETS, ids=name)
def test_style_sheets_name_no_colour_and_no_size(path: Path) -> None:
    assert breaches(_COMMENT.sub("", read(path))) == []


@pytest.mark.parametrize("path", PYTHON, ids=name)
def test_python_names_no_colour_and_no_size(path: Path) -> None:
    assert [b for text in strings_of(path) for b in breaches(text)] == []


@pytest.mark.parametrize("path", SCRIPTS, ids=name)
def test_scripts_name_no_colour_and_no_size(path: Path) -> None:
    code = re.sub(r"//[^\n]*", "", _COMMENT.sub("", read(path)))
    for query in MEDIA.values():  # scripts can't read them from the sheet; they must be the same ones
        code = code.replace(query, "")
    assert breaches(code) == []


def test_the_search_sees_a_breach() -> None:
    assert breaches("color: #fff; width: 12px; background: rgba(0, 0, 0, .5)") == ["#fff", "rgba(", "12px"]
    assert breaches('href="#content" #decade-x var(--d-12)') == []


def used_in(text: str) -> set[str]:
    return {found[1] for found in _USED.finditer(text) if not found[2]}


@pytest.mark.parametrize("path", [*SHEETS, *PYTHON, *SCRIPTS], ids=name)
def test_every_token_used_is_defined(path: Path) -> None:
    everywhere = stylesheet() + "".join(map(read, SCRIPTS))
    defined = set(_DEFINED.findall(everywhere)) | set(_SET_BY_SCRIPT.findall(everywhere))
    text = _COMMENT.sub("", read(path)) if path.suffix == ".css" else read(path)
    if path.suffix == ".py":
        text = "\n".join(strings_of(path))
    unknown = {token for token in used_in(text) - defined if not _RADIX.match(token) and not token.endswith("-")}
    assert unknown == set()


def test_theme_itself_uses_only_defined_tokens() -> None:
    css = theme.tokens_css()
    assert {token for token in used_in(css) - set(_DEFINED.findall(css)) if not _RADIX.match(token)} == set()


def test_dimensions_are_a_sorted_scale() -> None:
    assert list(DIMENSIONS) == sorted(set(DIMENSIONS))


def test_media_names_are_all_replaced() -> None:
    css = stylesheet()
    assert not [found for found in re.findall(r"@media\s*([^{]*)", css) if "(--" in found]
    assert all(query in css for key, query in MEDIA.items() if key in "".join(map(read, SHEETS)))


@pytest.mark.parametrize("path", SHEETS, ids=name)
def test_braces_are_balanced(path: Path) -> None:
    """A lost brace swallows every rule after it, and browsers say nothing."""
    css = _COMMENT.sub("", read(path))
    depth = 0
    for sign in re.findall(r"[{}]", css):
        depth += 1 if sign == "{" else -1
        assert depth >= 0
    assert depth == 0


def icons_in(path: Path) -> set[str]:
    """First arguments of the functions that draw an icon, where they are literals."""
    makers = {
        "icon": 0,
        "icon_button": 0,
        "menu_item": 0,
        "empty_state": 0,
        "_state": 0,
        "notice": 1,
        "_tip": 0,
        "off": 0,
    }
    found = set()
    for node in ast.walk(ast.parse(read(path))):
        if isinstance(node, ast.Call):
            at = makers.get(getattr(node.func, "id", getattr(node.func, "attr", "")))
            if at is not None and len(node.args) > at:
                argument = node.args[at]
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    found.add(argument.value)
    return found


def known(icon: str) -> bool:
    return icon.replace("-", "_") in LUCIDE_ICON_LIST


@pytest.mark.parametrize("path", PYTHON, ids=name)
def test_icons_exist(path: Path) -> None:
    assert {icon for icon in icons_in(path) if not known(icon)} == set()


def test_icons_of_navigation_and_nodes_exist() -> None:
    names = {item.icon for _, items in NAVIGATION for item in items} | {kind.icon for kind in NODE_TYPES.values()}
    assert len(names) > 10
    assert {icon for icon in names if not known(icon)} == set()


def test_icons_named_in_scripts_exist() -> None:
    names = {found for path in SCRIPTS for found in re.findall(r'\bicon: "([a-z0-9-]+)"', read(path))}
    assert names
    assert {icon for icon in names if not known(icon)} == set()


def test_icons_imported_by_scripts_exist() -> None:
    pascal = {"".join(part.capitalize() for part in icon.split("_")) for icon in LUCIDE_ICON_LIST}
    names = {
        found.strip()
        for path in SCRIPTS
        for block in re.findall(r'import \{([^}]*)\} from "lucide-react"', read(path))
        for found in block.split(",")
    }
    assert names
    assert names - pascal == set()


def test_the_palette_has_a_picture_for_every_page() -> None:
    """The command palette draws the navigation's icons by a table of its own."""
    table = re.search(r"const ICONS = \{([^}]*)\}", read(UI / "js" / "shell.js"))
    assert table is not None
    drawn = set(re.findall(r"(\w+):", table[1])) | set(re.findall(r'"([\w-]+)":', table[1]))
    assert {item.icon for _, items in NAVIGATION for item in items} <= drawn

"""The browser's modules parse, and import only what exists."""

import re
import subprocess
from pathlib import Path

import pytest

from pytake_app.embedded.environment import reflex_environment
from pytake_app.ui import i18n
from pytake_app.ui.plugin import PyTakePlugin

JS = Path(i18n.__file__).parent / "js"
SCRIPTS = sorted(JS.glob("*.js"))
_IMPORT = re.compile(r'import\s*\{([^}]*)\}\s*from\s*"\$/public/pt_(\w+)\.js"')
_EXPORT = re.compile(r"^export\s+(?:async\s+)?(?:const|let|function\*?|class)\s+(\w+)", re.MULTILINE)
_EXPORT_LIST = re.compile(r"^export\s*\{([^}]*)\}", re.MULTILINE)


def transpile(path: Path) -> "subprocess.CompletedProcess[str]":
    """Let bun, which also builds the front end, read a module."""
    environment = reflex_environment(building=False)
    return subprocess.run(
        ["bun", "build", "--no-bundle", "--target=browser", str(path)],
        env={"PATH": environment["PATH"], "HOME": str(path.parent)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def exports(source: str) -> set[str]:
    listed = {name.split(" as ")[-1].strip() for block in _EXPORT_LIST.findall(source) for name in block.split(",")}
    return set(_EXPORT.findall(source)) | listed


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_module_parses(path: Path) -> None:
    result = transpile(path)
    assert result.returncode == 0, result.stderr
    assert result.stdout


def test_a_broken_module_would_be_seen(tmp_path: Path) -> None:
    (tmp_path / "broken.js").write_text("export const a = (;\n")
    assert transpile(tmp_path / "broken.js").returncode != 0


def test_the_generated_texts_parse(tmp_path: Path) -> None:
    made = {path.name: content for path, content in PyTakePlugin().get_static_assets()}
    script = tmp_path / "pt_i18n.js"
    script.write_text(str(made["pt_i18n.js"]))
    assert transpile(script).returncode == 0


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_imports_between_modules_exist(path: Path) -> None:
    missing = []
    for names, module in _IMPORT.findall(path.read_text(encoding="utf-8")):
        target = JS / f"{module}.js"
        known = exports(target.read_text(encoding="utf-8")) if target.exists() else set()
        wanted = {name.split(" as ")[0].strip() for name in names.split(",") if name.strip()}
        missing += [f"{module}: {name}" for name in sorted(wanted - known)]
    assert missing == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_module_reaches_another_host(path: Path) -> None:
    """Everything is asked of the page's own origin; the texts of placeholders and namespaces excepted."""
    source = path.read_text(encoding="utf-8")
    assert (
        re.findall(r"""(?:fetch|WebSocket|import|EventSource|src\s*[:=])\s*\(?\s*["'`](?:https?:|wss?:|//)""", source)
        == []
    )


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_text_becomes_markup(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|document\.write|\beval\(", source
    )

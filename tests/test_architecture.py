"""The rules of the building, read from the source: import directions, file size, no swallowed errors."""

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "pytake_app"
MAX_LINES = 500

DOMAINS = frozenset(
    path.name
    for path in PACKAGE.iterdir()
    if path.is_dir()
    and (path / "__init__.py").exists()
    and path.name not in {"core", "engine", "channels", "api", "jobs", "ui", "embedded", "locales", "bench", "chaos"}
)
LIBRARY_ROOMS = {
    "reflex": ("pytake_app.ui", "pytake_app.pytake_app"),
    "rq": ("pytake_app.jobs",),
    "httpx": ("pytake_app.channels", "pytake_app.webhooks", "pytake_app.outgoing"),
    "openai": ("pytake_app.outgoing",),
}
# Inside a domain, what others may use: its service and the shapes that service speaks. Tables' classes may be named by
# type, but rows are reached through the service.
PUBLIC_MODULES = frozenset({"service", "schemas", "models"})


@dataclass(frozen=True)
class Import:
    """One import statement: who imports what, where."""

    importer: str
    target: str
    place: str


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imports_of(name: str, path: Path) -> Iterator[Import]:
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        place = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(name, alias.name, place)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                base = ".".join([*parents[: len(parents) - node.level + 1], *([base] if base else [])])
            # `from a.b import c`: c may be a module.
            for alias in node.names:
                yield Import(name, f"{base}.{alias.name}", place)


@functools.cache
def all_imports() -> list[Import]:
    return [found for name, path in modules() for found in imports_of(name, path)]


def room(module: str) -> str:
    """The first level below the package: `core`, `flows`, …; empty for the package itself and for libraries."""
    parts = module.split(".")
    return parts[1] if parts[0] == "pytake_app" and len(parts) > 1 else ""


def breaches(allowed: frozenset[str], *importers: str) -> list[str]:
    """Imports of our own rooms beyond ``allowed``, by the rooms ``importers``."""
    return [
        f"{found.place}: {room(found.importer)} imports {found.target}"
        for found in all_imports()
        if room(found.importer) in importers
        and room(found.target)
        and room(found.target) not in {*allowed, room(found.importer), "__version__"}
    ]


def test_the_reader_sees_imports() -> None:
    """A check that reads nothing would pass for ever."""
    assert len(all_imports()) > 100
    assert {"core", "engine", "channels", "embedded"} <= {room(found.importer) for found in all_imports()}
    assert any(found.target.startswith("reflex") for found in all_imports())


def test_engine_imports_nothing_of_ours() -> None:
    assert breaches(frozenset(), "engine") == []


def test_core_imports_only_settings() -> None:
    assert breaches(frozenset({"config"}), "core") == []


def test_channels_import_only_core() -> None:
    assert breaches(frozenset({"core"}), "channels") == []


def test_domains_do_not_import_the_edges() -> None:
    found = breaches(DOMAINS | {"core", "engine", "channels", "config"}, *DOMAINS)
    assert [line for line in found if not _is_edge(line)] == []


def _is_edge(line: str) -> bool:
    place, _, target = line.partition(" imports ")
    file = place.split(":")[0].rpartition("/")[2]
    return (
        # A domain's routers (`api.py`, `api_….py`) are assembled by `api` and use that package's dependencies.
        (file.startswith("api") and target.startswith("pytake_app.api."))
        # Wake-ups are names and lane numbers; `roles.py` is where a process of the pipeline begins.
        or target.startswith("pytake_app.jobs.enqueue")
        or (file == "roles.py" and target.startswith("pytake_app.jobs."))
    )


def test_only_the_edges_import_the_interface_and_jobs() -> None:
    assert breaches(frozenset(DOMAINS | {"core", "engine", "channels", "config", "jobs", "api"}), "jobs", "api") == []


def test_domains_use_each_other_through_services() -> None:
    wrong = []
    for found in all_imports():
        source, target = room(found.importer), room(found.target)
        if source in DOMAINS and target in DOMAINS and source != target:
            parts = found.target.split(".")
            if len(parts) > 2 and parts[2] == "repository":
                wrong.append(f"{found.place}: {source} reaches into {found.target}")
    assert wrong == []


@pytest.mark.parametrize("library", sorted(LIBRARY_ROOMS))
def test_libraries_stay_in_their_rooms(library: str) -> None:
    rooms = LIBRARY_ROOMS[library]
    wrong = [
        f"{found.place} imports {library}"
        for found in all_imports()
        if found.target.split(".")[0] == library
        and not any(found.importer == allowed or found.importer.startswith(f"{allowed}.") for allowed in rooms)
    ]
    assert wrong == []


def test_no_file_is_too_long() -> None:
    sources = [*PACKAGE.rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in sources}
    assert [f"{path.relative_to(ROOT)}: {count}" for path, count in lengths.items() if count > MAX_LINES] == []


def test_no_error_is_swallowed() -> None:
    wrong = []
    for _name, path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ExceptHandler):
                continue
            place = f"{path.relative_to(ROOT)}:{node.lineno}"
            if node.type is None:
                wrong.append(f"{place}: bare except")
            broad = isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}
            silent = all(isinstance(statement, ast.Pass | ast.Continue) for statement in node.body)
            if broad and silent:
                wrong.append(f"{place}: except {ast.unparse(node.type or node)} that does nothing")
    assert wrong == []

"""The lock file of the front end's packages: part of the build's identity, and not made dirty by building."""

import json
from pathlib import Path

import pytest

from pytake_app.config import Settings
from pytake_app.ui import build as builds
from pytake_app.ui.build import content_hash, ensure_built

ROOT = Path(builds.__file__).parents[2]
PRETTY = json.dumps({"name": "reflex", "dependencies": {"react": "19.0.0"}}, indent=2)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "checkout"
    (root / "reflex.lock").mkdir(parents=True)
    (root / "requirements.txt").write_text("reflex==1.0\n")
    (root / "reflex.lock" / "package.json").write_text(PRETTY)
    (root / "reflex.lock" / "bun.lock").write_text("one")
    for name in (builds.FRONTEND_DIR_VARIABLE, "REFLEX_WEB_WORKDIR"):
        monkeypatch.setenv(name, "")  # put back after the test
    return root


def export_that_writes(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], root: Path, environment: dict[str, str], progress: object) -> list[str]:
        client = Path(environment["REFLEX_WEB_WORKDIR"]) / "build" / "client"
        client.mkdir(parents=True, exist_ok=True)
        (client / "index.html").write_text("page")
        (root / "reflex.lock" / "package.json").write_text(package)
        return []

    monkeypatch.setattr(builds, "_run", run)


def test_a_new_layout_of_the_same_content_is_undone(
    checkout: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_that_writes(json.dumps(json.loads(PRETTY)), monkeypatch)
    ensure_built(settings, lambda _: None, root=checkout)
    assert (checkout / "reflex.lock" / "package.json").read_text() == PRETTY


@pytest.mark.parametrize("package", ['{"name": "reflex", "dependencies": {"react": "20.0.0"}}', "not json"])
def test_a_new_content_stays(checkout: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    export_that_writes(package, monkeypatch)
    ensure_built(settings, lambda _: None, root=checkout)
    assert (checkout / "reflex.lock" / "package.json").read_text() == package


def test_other_packages_are_another_build(checkout: Path) -> None:
    before = content_hash(checkout)
    (checkout / "reflex.lock" / "bun.lock").write_text("two")
    assert content_hash(checkout) != before


@pytest.mark.parametrize("name", ["bun.lock", "package.json"])
def test_the_lock_names_no_host(name: str) -> None:
    """Packages come from wherever the person's npm settings say."""
    text = (ROOT / "reflex.lock" / name).read_text(encoding="utf-8")
    assert "://" not in text


def test_every_package_is_pinned() -> None:
    package = json.loads((ROOT / "reflex.lock" / "package.json").read_text(encoding="utf-8"))
    versions = {**package["dependencies"], **package["devDependencies"]}
    assert [name for name, version in versions.items() if not version.lstrip("v")[0].isdigit()] == []

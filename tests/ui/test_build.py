"""The front end's build: made once per content, found again, and free of any address."""

import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytake_app.config import Settings
from pytake_app.ui import build as builds
from pytake_app.ui.build import BuildError, announce, built_frontend, content_hash, ensure_built, is_complete
from pytake_app.ui.plugin import API_URL, MARKER_HOST, EvaluationError, OriginRewriteError, PyTakePlugin, rewrite_origin
from tests.waiting import wait_until


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with one file of each kind that a build depends on."""
    root = tmp_path / "checkout"
    for name, content in {
        "rxconfig.py": "config = 1",
        "requirements.txt": "reflex==1.0\nhttpx==1.0\nbun-wheel==1.0\n",
        "pytake_app/pytake_app.py": "app = 1",
        "pytake_app/ui/pages/page.py": "page = 1",
        "pytake_app/ui/styles/00.css": "a {}",
        "pytake_app/locales/en/common.json": "{}",
        "pytake_app/engine/nodes/base.py": "node = 1",
        "pytake_app/engine/runner.py": "run = 1",
        "assets/favicon.svg": "<svg/>",
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`announce` writes into the environment; put it back."""
    for name in (builds.FRONTEND_DIR_VARIABLE, "REFLEX_WEB_WORKDIR"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    yield
    for name in (builds.FRONTEND_DIR_VARIABLE, "REFLEX_WEB_WORKDIR"):
        os.environ.pop(name, None)


@pytest.fixture
def exports(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stands for `reflex export`: writes what it would leave, and counts."""
    made: list[str] = []

    def run(command: list[str], root: Path, environment: dict[str, str], progress: object) -> list[str]:
        assert command[1:4] == ["-m", "reflex", "export"]
        assert "REDIS_URL" not in environment
        web = Path(environment["REFLEX_WEB_WORKDIR"])
        (web / "build" / "client").mkdir(parents=True, exist_ok=True)
        (web / "build" / "client" / "index.html").write_text(f"build {len(made)}")
        (web / "backend").mkdir(exist_ok=True)
        (web / "backend" / "marker").write_text("")
        made.append(str(web))
        return []

    monkeypatch.setattr(builds, "_run", run)
    return made


def touch(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    "name",
    [
        "rxconfig.py",
        "pytake_app/pytake_app.py",
        "pytake_app/ui/pages/page.py",
        "pytake_app/ui/js/new.js",
        "pytake_app/ui/styles/00.css",
        "pytake_app/locales/en/common.json",
        "pytake_app/engine/nodes/base.py",
        "assets/favicon.svg",
    ],
)
def test_hash_follows_every_source(checkout: Path, name: str) -> None:
    before = content_hash(checkout)
    touch(checkout / name, "changed")
    assert content_hash(checkout) != before


def test_hash_sees_a_renamed_file(checkout: Path) -> None:
    before = content_hash(checkout)
    (checkout / "assets/favicon.svg").rename(checkout / "assets/icon.svg")
    assert content_hash(checkout) != before


def test_hash_follows_the_pins_of_what_builds(checkout: Path) -> None:
    before = content_hash(checkout)
    pins = checkout / "requirements.txt"
    pins.write_text(pins.read_text().replace("reflex==1.0", "reflex==1.1"))
    assert content_hash(checkout) != before


@pytest.mark.parametrize(
    "name", ["pytake_app/engine/runner.py", "pytake_app/ui/__pycache__/page.pyc", "README.md", "tests/ui/test_x.py"]
)
def test_hash_ignores_what_no_page_shows(checkout: Path, name: str) -> None:
    before = content_hash(checkout)
    touch(checkout / name, "changed")
    pins = checkout / "requirements.txt"
    pins.write_text(pins.read_text().replace("httpx==1.0", "httpx==2.0"))
    assert content_hash(checkout) == before


def test_second_start_builds_nothing(checkout: Path, exports: list[str], settings: Settings) -> None:
    first = ensure_built(settings, lambda _: None, root=checkout)
    assert is_complete(first)
    assert (first / "backend" / "marker").is_file()
    assert ensure_built(settings, lambda _: None, root=checkout) == first
    assert len(exports) == 1


def test_changed_source_builds_again_and_old_one_returns_at_once(
    checkout: Path, exports: list[str], settings: Settings
) -> None:
    first = ensure_built(settings, lambda _: None, root=checkout)
    touch(checkout / "pytake_app/ui/pages/page.py", "page = 2")
    second = ensure_built(settings, lambda _: None, root=checkout)
    assert second != first
    touch(checkout / "pytake_app/ui/pages/page.py", "page = 1")
    assert ensure_built(settings, lambda _: None, root=checkout) == first
    assert len(exports) == 2


def test_interrupted_build_is_made_anew(checkout: Path, exports: list[str], settings: Settings) -> None:
    build = ensure_built(settings, lambda _: None, root=checkout)
    (build / "complete").unlink()
    assert not is_complete(build)
    assert is_complete(ensure_built(settings, lambda _: None, root=checkout))
    assert len(exports) == 2


def test_failed_build_says_why_and_leaves_nothing(
    checkout: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builds.sys, "executable", "/bin/false")
    with pytest.raises(BuildError, match="status 1"):
        ensure_built(settings, lambda _: None, root=checkout)
    assert built_frontend(checkout) is None
    assert [path.name for path in (checkout / ".frontend").iterdir() if (path / "complete").exists()] == []


def test_export_without_pages_is_a_failure(checkout: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builds, "_run", lambda *_: ["last words"])
    with pytest.raises(BuildError, match="last words"):
        ensure_built(settings, lambda _: None, root=checkout)


def test_old_builds_are_removed_but_not_the_one_in_use(checkout: Path, exports: list[str], settings: Settings) -> None:
    made = []
    for number in range(builds.KEEP_BUILDS + 3):
        touch(checkout / "pytake_app/ui/pages/page.py", f"page = {number}")
        made.append(ensure_built(settings, lambda _: None, root=checkout))
        os.utime(made[-1] / "complete", (number, number))
    kept = [build for build in made if build.exists()]
    assert made[-1] in kept
    assert len(kept) <= builds.KEEP_BUILDS + 1


def test_two_starts_at_once_build_once(checkout: Path, exports: list[str], settings: Settings) -> None:
    """The second waits for the first's lock, and finds the work done."""
    cache = checkout / ".frontend"
    cache.mkdir()
    results: list[Path] = []
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        threads = [
            threading.Thread(target=lambda: results.append(ensure_built(settings, lambda _: None, root=checkout)))
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        assert exports == []
    wait_until(lambda: len(results) == 2, message="both starts")
    for thread in threads:
        thread.join()
    assert len(exports) == 1
    assert results[0] == results[1]


def test_announced_build_is_served(checkout: Path, exports: list[str], settings: Settings, tmp_path: Path) -> None:
    build = ensure_built(settings, lambda _: None, root=checkout)
    assert os.environ[builds.FRONTEND_DIR_VARIABLE] == os.environ["REFLEX_WEB_WORKDIR"] == str(build)
    touch(checkout / "pytake_app/ui/pages/page.py", "newer than what runs")
    assert built_frontend(checkout) == build
    announce(tmp_path / "nowhere")
    assert built_frontend(checkout) is None


# -- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("quote", ['"', "'", "`"])
def test_baked_addresses_become_the_pages_own(quote: str) -> None:
    source = f"const E={quote}ws://{MARKER_HOST}/_event{quote},P={quote}{API_URL}/ping{quote};"
    rewritten, count = rewrite_origin(source)
    assert count == 2
    assert MARKER_HOST not in rewritten
    assert '.replace(/^http/,"ws")' in rewritten
    assert '+"/_event")' in rewritten
    assert '+"/ping")' in rewritten


def test_other_addresses_are_left_alone() -> None:
    source = 'fetch("https://example.org/x"); const a = "pytake.invalid is only a name";'
    assert rewrite_origin(source) == (source, 0)


def test_build_without_addresses_is_refused(tmp_path: Path) -> None:
    (tmp_path / "entry.js").write_text("let a = 1;")
    with pytest.raises(OriginRewriteError):
        PyTakePlugin().post_build(static_dir=tmp_path)


def test_plugin_rewrites_the_files_in_place(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    script = tmp_path / "assets" / "env.js"
    script.write_text(f'export const e = "{API_URL}/_event";eval(event.payload.function)();')
    PyTakePlugin().post_build(static_dir=tmp_path)
    assert "eval(" not in script.read_text()
    assert "JSON.parse" in script.read_text()
    assert "location.origin" in script.read_text()
    assert MARKER_HOST not in script.read_text()


def test_build_whose_evaluation_is_elsewhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "entry.js").write_text(f'export const e = "{API_URL}/_event";eval(event.payload.code)();')
    with pytest.raises(EvaluationError):
        PyTakePlugin().post_build(static_dir=tmp_path)


def test_plugin_hands_over_sheet_texts_and_every_module() -> None:
    names = {path.as_posix() for path, _ in PyTakePlugin().get_static_assets()}
    assert {"styles/pytake.css", "public/pt_i18n.js", "public/pt_api.js", "public/pt_live.js"} <= names
    modules = {f"public/pt_{path.stem}.js" for path in (Path(builds.__file__).parent / "js").glob("*.js")}
    assert modules <= names

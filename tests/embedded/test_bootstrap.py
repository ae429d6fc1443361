"""The launcher installs the requirements when, and only when, they changed."""

import subprocess
import sys
from pathlib import Path

import pytest

from pytake_app.embedded import bootstrap

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with requirements and a link to a working interpreter; pip calls are counted, not made."""
    (tmp_path / "requirements.txt").write_text("# pinned\none==1\n")
    binaries = tmp_path / ".venv" / "bin"
    binaries.mkdir(parents=True)
    (binaries / "python").symlink_to(sys.executable)
    (binaries / "pip").touch()
    return tmp_path


@pytest.fixture
def installs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What pip was asked to install, call by call."""
    calls: list[str] = []
    monkeypatch.setattr(bootstrap, "_pip", lambda _python, requirements: calls.append(requirements.read_text()))
    return calls


def test_installs_once(checkout: Path, installs: list[str]) -> None:
    assert bootstrap.ensure(checkout) is True
    assert bootstrap.ensure(checkout) is False
    assert len(installs) == 1


def test_changed_requirements_are_installed_again(checkout: Path, installs: list[str]) -> None:
    bootstrap.ensure(checkout)
    (checkout / "requirements.txt").write_text("# pinned\none==2\n")
    assert bootstrap.is_current(checkout) is False
    assert bootstrap.ensure(checkout) is True
    assert installs[-1].endswith("one==2\n")


def test_failed_install_is_tried_again(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_python: Path, _requirements: Path) -> None:
        raise bootstrap.BootstrapError("no network")

    monkeypatch.setattr(bootstrap, "_pip", fail)
    with pytest.raises(bootstrap.BootstrapError, match="no network"):
        bootstrap.ensure(checkout)
    assert bootstrap.is_current(checkout) is False


def test_failed_upgrade_does_not_leave_the_old_stamp(
    checkout: Path, installs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bootstrap.ensure(checkout)
    original = (checkout / "requirements.txt").read_text()
    (checkout / "requirements.txt").write_text("one==3\n")

    def fail(_python: Path, _requirements: Path) -> None:
        raise bootstrap.BootstrapError("half installed")

    monkeypatch.setattr(bootstrap, "_pip", fail)
    with pytest.raises(bootstrap.BootstrapError):
        bootstrap.ensure(checkout)
    (checkout / "requirements.txt").write_text(original)
    assert bootstrap.is_current(checkout) is False


def test_vanished_interpreter_is_not_current(checkout: Path, installs: list[str]) -> None:
    bootstrap.ensure(checkout)
    (checkout / ".venv" / "bin" / "python").unlink()
    (checkout / ".venv" / "bin" / "python").symlink_to(checkout / "removed")
    assert bootstrap.is_current(checkout) is False


def test_python_without_ensurepip_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "requirements.txt").write_text("one==1\n")
    monkeypatch.setattr(bootstrap.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(bootstrap.BootstrapError, match=r"apt-get install python3\.\d+-venv"):
        bootstrap.ensure(tmp_path)


def test_launcher_works_through_a_link_and_from_elsewhere(tmp_path: Path) -> None:
    link = tmp_path / "elsewhere" / "pt"
    link.parent.mkdir()
    link.symlink_to(ROOT / "pytake")
    result = subprocess.run([str(link), "--version"], cwd="/", capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("PyTake ")


def test_launcher_without_python_says_so(tmp_path: Path) -> None:
    copy = tmp_path / "pytake"
    copy.write_text((ROOT / "pytake").read_text())
    copy.chmod(0o755)
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "dirname", "readlink"):
        (tools / name).symlink_to(f"/bin/{name}")
    result = subprocess.run(
        [str(copy), "--version"], env={"PATH": str(tools)}, capture_output=True, text=True, timeout=20, check=False
    )
    assert result.returncode == 1
    assert "python 3.11 or newer" in result.stderr

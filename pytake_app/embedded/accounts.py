"""Which operating-system account runs the embedded PostgreSQL, and which directories that account can reach."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path

from pytake_app.embedded.process import Identity

_CANDIDATES = ("pytake", "postgres", "nobody")


class NoUnprivilegedAccount(RuntimeError):
    """Started as root on a machine that has no account PostgreSQL could run as."""


def identity_for(data_dir: Path) -> Identity | None:
    """The account for PostgreSQL: none (our own) for an ordinary user; for root the owner of an existing cluster, else
    ``PYTAKE_SYSTEM_USER``, ``pytake``, ``postgres`` or ``nobody``, since PostgreSQL refuses to run as root.

    Raises:
        NoUnprivilegedAccount: root, and none of the accounts exists.
    """
    if os.geteuid() != 0:
        return None
    if (data_dir / "PG_VERSION").exists():
        owner = data_dir.stat().st_uid
        if owner != 0:
            return _identity(pwd.getpwuid(owner))
    wanted = os.environ.get("PYTAKE_SYSTEM_USER")
    for name in (wanted,) if wanted else _CANDIDATES:
        try:
            return _identity(pwd.getpwnam(name))
        except KeyError:
            continue
    raise NoUnprivilegedAccount(
        "PostgreSQL does not run as root and no unprivileged account was found "
        f"({wanted or ', '.join(_CANDIDATES)}). Create one (useradd --system pytake), "
        "start PyTake as an ordinary user, or set DATABASE_URL."
    )


def _identity(entry: pwd.struct_passwd) -> Identity:
    return Identity(entry.pw_name, entry.pw_uid, entry.pw_gid)


def can_traverse(path: Path, identity: Identity | None) -> bool:
    """True when ``identity`` may pass through every existing directory on the way to ``path`` (and enter it)."""
    if identity is None:
        return True
    resolved = path.resolve()
    for directory in [resolved, *resolved.parents]:
        if not directory.is_dir():
            continue
        info = directory.stat()
        if info.st_uid == identity.uid:
            bit = stat.S_IXUSR
        elif info.st_gid == identity.gid:
            bit = stat.S_IXGRP
        else:
            bit = stat.S_IXOTH
        if not info.st_mode & bit:
            return False
    return True


def give(path: Path, identity: Identity | None) -> None:
    """Hand a directory and all in it to ``identity``, with mode 0700 on the directory itself.

    Raises:
        NotADirectoryError: the path is a link, which somebody else could have laid in a shared directory.
    """
    path.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():
        raise NotADirectoryError(f"{path} is a link, not a directory")
    path.chmod(0o700)
    if identity is None:
        return
    os.chown(path, identity.uid, identity.gid)
    for root, folders, files in os.walk(path):
        for name in [*folders, *files]:
            os.chown(Path(root) / name, identity.uid, identity.gid, follow_symlinks=False)

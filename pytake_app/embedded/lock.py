"""One `up` per data directory: a file lock that the kernel releases when its holder ends, however it ends."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Self


class AlreadyRunning(RuntimeError):
    """Another `up` holds this data directory.

    Parameters:
        pid: process id of the other one, 0 when it could not be read.
        address: where it listens.
    """

    def __init__(self, data_dir: Path, pid: int, address: str) -> None:
        self.pid, self.address = pid, address
        super().__init__(
            f"PyTake is already running on the data directory {data_dir}"
            + (f" (process {pid}, {address})" if pid else "")
            + ". Stop it first, or choose another --data-dir."
        )


class InstanceLock:
    """The lock of a data directory; holds the process id and the address for whoever comes second."""

    def __init__(self, data_dir: Path, address: str) -> None:
        self._data_dir, self._address = data_dir, address
        self._path = data_dir / "up.lock"
        self._descriptor: int | None = None

    def acquire(self) -> Self:
        """Take the lock.

        Raises:
            AlreadyRunning: somebody else holds it.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            pid, address = read_holder(self._data_dir)
            raise AlreadyRunning(self._data_dir, pid, address) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "address": self._address}).encode(), 0)
        self._descriptor = descriptor
        return self

    def release(self) -> None:
        """Give the lock back. The file stays: removing it would race with the next holder."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None


def read_holder(data_dir: Path) -> tuple[int, str]:
    """Process id and address that the holder wrote; (0, "") when nobody did."""
    try:
        record = json.loads((data_dir / "up.lock").read_text() or "{}")
    except (FileNotFoundError, ValueError):
        return 0, ""
    return int(record.get("pid", 0)), str(record.get("address", ""))

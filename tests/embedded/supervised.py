"""Run by test_supervisor.py as a process of its own: a supervisor with children that behave in chosen ways.

Arguments: a directory, then the kinds of children. Writes ``<kind>.pid`` at each start of a child.
"""

import sys
from pathlib import Path

from pytake_app.embedded.console import Console
from pytake_app.embedded.process import ChildSpec
from pytake_app.embedded.supervisor import Managed, StopRequested, Supervisor

CHILDREN = {
    "calm": "import time; time.sleep(600)",
    "stubborn": "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "signal.signal(signal.SIGQUIT, signal.SIG_IGN); time.sleep(600)",
    "service": "import time; time.sleep(600)",
    "failing": "import sys; print('ERROR cannot work'); sys.exit(3)",
}


def main() -> None:
    folder = Path(sys.argv[1])
    console = Console()
    supervisor = Supervisor(console)
    with supervisor.signals():
        try:
            for kind in sys.argv[2:]:
                tell = f"import os; open({str(folder / kind)!r} + '.pid', 'w').write(str(os.getpid()))\n"
                spec = ChildSpec(name=kind, argv=[sys.executable, "-c", tell + CHILDREN[kind]])
                supervisor.add(Managed(spec, folder / f"{kind}.log", service=kind == "service"))
            console.line("started")
            supervisor.watch(0.05)
        except StopRequested:
            console.line("stopping")
        finally:
            supervisor.stop()


if __name__ == "__main__":
    main()

"""The command line: `./pytake <command>`. Each command imports what it needs when it runs, so that all start fast."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from pytake_app import __version__

if TYPE_CHECKING:
    from pytake_app.core.services import Services

# Functions of `pytake_app.messaging.roles` that run until SIGTERM.
ROLES = {
    "worker": ("run_worker", "handle incoming messages and timers"),
    "outbox": ("run_outbox", "deliver outgoing messages"),
    "scheduler": ("run_scheduler", "wake due timers and sweep for lost work"),
}


# Modules of `pytake_app.bench`, each with a `run(argv)` that prints JSON lines.
BENCHMARKS = ("pipeline", "ui-load", "engine", "editor", "classifier", "verifier", "inbox", "isolation", "logins")


def build_parser() -> argparse.ArgumentParser:
    """The parser of every command."""
    parser = argparse.ArgumentParser(
        prog="./pytake", description="PyTake: self-hosted, WhatsApp-first conversational automation."
    )
    parser.add_argument("--version", action="version", version=f"PyTake {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)

    up = commands.add_parser("up", help="run everything on this machine, on one port")
    up.add_argument("--port", type=_port, help="the one public port (8080)")
    up.add_argument("--host", help="address to listen on (127.0.0.1)")
    up.add_argument("--data-dir", type=_path, help="where the database, logs and uploads are kept (./data)")

    commands.add_parser("test", help="lint, types and tests; arguments go to pytest", add_help=False)
    commands.add_parser("bench", help="measure the product (pipeline, engine, editor)", add_help=False)

    commands.add_parser(
        "chaos", help="kill the product's parts under load and prove that nothing is lost", add_help=False
    )

    web = commands.add_parser("web", help="run the web role alone")
    web.add_argument("--port", type=_port)
    web.add_argument("--host")
    for name, (_, text) in ROLES.items():
        commands.add_parser(name, help=text)
    commands.add_parser("licenses", help="licences of the packages that PyTake is made of")
    commands.add_parser("build-frontend", help="build the pages ahead of time (container images)")
    for name, text in (
        ("migrate", "bring the database schema up to date"),
        ("doctor", "check this installation"),
        ("rotate-secrets", "encrypt everything that is kept encrypted under the newest SECRET_KEY"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("--data-dir", type=_path)
        if name == "doctor":
            command.add_argument("--mend", action="store_true", help="put right what is stuck in the pipeline")
    promote = commands.add_parser(
        "super-admin", help="have somebody who registered administer every organization; their own gets every limit off"
    )
    promote.add_argument("email")
    promote.add_argument("--data-dir", type=_path)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    # Their arguments belong to other parsers, options included.
    if arguments[:1] == ["test"]:
        from pytake_app.embedded.checks import run_tests

        return run_tests(arguments[1:])
    if arguments[:1] == ["bench"]:
        return _bench(arguments[1:])
    if arguments[:1] == ["chaos"]:
        from pytake_app.chaos.command import run as run_chaos

        return run_chaos(arguments[1:])
    options = build_parser().parse_args(arguments or ["--help"])
    commands: dict[str, Callable[[argparse.Namespace], int]] = {
        "up": _up,
        "web": _web,
        "migrate": _migrate,
        "doctor": _doctor,
        "super-admin": _super_admin,
        "rotate-secrets": _rotate_secrets,
        "build-frontend": _build_front_end,
        "licenses": _licenses,
        **dict.fromkeys(ROLES, _role),
    }
    try:
        return commands[options.command](options)
    except ValidationError as error:
        for problem in error.errors():
            place = ".".join(str(part) for part in problem["loc"]).upper()
            print(f"{place + ': ' if place else ''}{problem['msg']}", file=sys.stderr)
        return 2


def _port(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if not 1 <= value <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port (1 to 65535)")
    return value


def _path(text: str) -> Path:
    # The launcher changes to the repository; what the user typed counts from where they were.
    return Path(os.environ.get("PYTAKE_CWD", "."), text).expanduser().resolve()


def _up(options: argparse.Namespace) -> int:
    from pytake_app.embedded.up import Up, UpOptions

    return Up(UpOptions(host=options.host, port=options.port, data_dir=options.data_dir)).run()


def _attached() -> bool:
    from pytake_app.embedded.attach import NotRunning, attach

    try:
        attach()
    except NotRunning as error:
        print(error, file=sys.stderr)
        return False
    return True


def _web(options: argparse.Namespace) -> int:
    if options.host:
        os.environ["HOST"] = options.host
    if options.port:
        os.environ["PORT"] = str(options.port)
    if not _attached():
        return 1
    from pytake_app.config import get_settings
    from pytake_app.embedded.environment import join_metrics, reflex_environment
    from pytake_app.embedded.up import prepare_front_end, web_command

    prepare_front_end(get_settings(), lambda line: print(line, flush=True))
    join_metrics(get_settings(), own=True)
    os.environ.update(reflex_environment(building=False))
    command = web_command(get_settings())
    # The server takes this process's place, and with it its signals.
    return os.execvpe(command[0], command, os.environ)  # noqa: S606


def _role(options: argparse.Namespace) -> int:
    if not _attached():
        return 1
    from pytake_app.config import get_settings
    from pytake_app.embedded.environment import join_metrics

    # Before anything imports the metrics: they look for their directory then.
    join_metrics(get_settings())
    from pytake_app.core.memory import loading, settle_heap

    with loading():
        from pytake_app.core import exposition, tracing
        from pytake_app.core.logging import configure_logging
        from pytake_app.core.services import process_services
        from pytake_app.messaging import roles

    services = process_services()
    configure_logging(services.settings.log_level)
    run: Callable[[Services], None] = getattr(roles, ROLES[options.command][0])
    if services.settings.metrics_port:
        try:
            exposition.serve(services.settings.metrics_port, services.settings.metrics_host)
        except OSError as error:
            print(f"METRICS_PORT {services.settings.metrics_port}: {error.strerror}", file=sys.stderr)
            return 1
    pulse = exposition.Pulse(options.command, services.database)
    pulse.start()
    tracing.start(services.settings, options.command)
    settle_heap()
    try:
        run(services)
    finally:
        pulse.stop()
        tracing.stop()
        services.close()
    return 0


def _migrate(options: argparse.Namespace) -> int:
    from pytake_app.core.memory import loading

    with loading():
        from pytake_app.accounts.bootstrap import BootstrapError, bootstrap
        from pytake_app.embedded.attach import database
        from pytake_app.embedded.migrate import revisions, upgrade

    with database(options.data_dir) as settings:
        before, head = revisions(settings.sqlalchemy_url)
        upgrade(settings.sqlalchemy_url)
        print(f"already at {head}" if before == head else f"migrated from {before or 'an empty database'} to {head}")
        try:
            for line in bootstrap(settings):
                print(line)
        except BootstrapError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


def _super_admin(options: argparse.Namespace) -> int:
    from pytake_app.accounts.bootstrap import BootstrapError, make_super_admin
    from pytake_app.core.db import Database
    from pytake_app.embedded.attach import database

    with database(options.data_dir) as settings:
        pools = Database(settings)
        try:
            print(make_super_admin(pools, options.email))
        except BootstrapError as error:
            print(error, file=sys.stderr)
            return 1
        finally:
            pools.dispose()
    return 0


def _build_front_end(_options: argparse.Namespace) -> int:
    from pytake_app.config import get_settings
    from pytake_app.ui.build import BuildError, ensure_built

    try:
        print(ensure_built(get_settings(), lambda line: print(line, flush=True)))
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _licenses(_options: argparse.Namespace) -> int:
    from pytake_app.embedded.audit import licenses

    for package, license_ in licenses():
        print(f"{package:40} {license_}")
    return 0


def _rotate_secrets(options: argparse.Namespace) -> int:
    from pytake_app.core.db import Database
    from pytake_app.embedded.attach import database
    from pytake_app.embedded.rotation import rotate

    with database(options.data_dir) as settings:
        pools = Database(settings)
        try:
            tally = rotate(settings, pools, lambda line: print(line, flush=True))
        finally:
            pools.dispose()
    if tally.unreadable:
        print(
            f"{tally.unreadable} values can't be read with SECRET_KEY or PREVIOUS_SECRET_KEYS and were left as they "
            "are: add the key that they were encrypted under, or enter them again",
            file=sys.stderr,
        )
        return 1
    print("everything is encrypted under the newest key; PREVIOUS_SECRET_KEYS may go")
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from pytake_app.core.memory import loading

    with loading():
        from pytake_app.embedded.doctor import run_doctor

    return run_doctor(options.data_dir, mend=options.mend)


def _bench(arguments: list[str]) -> int:
    if not arguments or arguments[0] not in BENCHMARKS:
        print(f"usage: ./pytake bench {{{','.join(BENCHMARKS)}}} [options]", file=sys.stderr)
        return 0 if arguments and arguments[0] in {"-h", "--help"} else 2
    from pytake_app.core.memory import settle_heap

    module = importlib.import_module(f"pytake_app.bench.{arguments[0].replace('-', '_')}")
    # As the roles do: what is measured runs in their processes.
    settle_heap()
    return int(module.run(arguments[1:]) or 0)

"""``python -m pytake_app``: see ``pytake_app.cli``."""

import sys

from pytake_app.cli import main

if __name__ == "__main__":
    sys.exit(main())

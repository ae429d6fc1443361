"""The build plugin: puts our generated files into the front end and frees it from a fixed address.

Reflex bakes the backend's address into the JavaScript. We build with a marker host and, after the build,
replace each baked address by an expression on `window.location`, so one build works on any host, port and scheme.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reflex.plugins.base import Plugin

from pytake_app.ui.emoji_data import emoji_javascript
from pytake_app.ui.i18n import i18n_javascript
from pytake_app.ui.theme import stylesheet

MARKER_HOST = "pytake.invalid"
"""A name that can't resolve (RFC 2606), never one of the hosts Reflex's client treats specially."""
API_URL = f"http://{MARKER_HOST}"

_BAKED = re.compile(rf"""(["'`])(ws|http)://{re.escape(MARKER_HOST)}([^"'`]*)\1""")
_JS_DIR = Path(__file__).parent / "js"


# Reflex's client evaluates what its server sends as a function. Ours sends toasts only, as data (`ui.feedback`): with
# that the pages' policy does without 'unsafe-eval'. The client's other evaluations belong to features we don't use;
# the policy ends them.
_EVALUATION = "eval(event.payload.function)()"
_TOAST = (
    '(said=>{if(typeof said!=="string"||!said.startsWith("pytake:"))throw new Error("refused");'
    "const{toast,text}=JSON.parse(said.slice(7));"
    'if(["success","error","info","warning"].includes(toast))refs["__toast"]?.[toast](text)})(event.payload.function)'
)


class EvaluationError(RuntimeError):
    """The built front end doesn't hold the evaluation we expect to replace; Reflex changed how it calls functions."""


def without_evaluation(javascript: str) -> tuple[str, int]:
    """The script with the evaluation of what the server sends replaced, and how often it was there."""
    return javascript.replace(_EVALUATION, _TOAST), javascript.count(_EVALUATION)


class OriginRewriteError(RuntimeError):
    """The built front end doesn't hold the addresses we expect to replace; Reflex changed how it bakes them."""


def rewrite_origin(javascript: str) -> tuple[str, int]:
    """The script with every baked address turned into one of the page's own origin, and how many there were."""

    def own(found: re.Match[str]) -> str:
        origin = (
            "globalThis.location.origin" if found[2] == "http" else 'globalThis.location.origin.replace(/^http/,"ws")'
        )
        return f'((globalThis.location?{origin}:"{found[2]}://localhost")+"{found[3]}")'

    return _BAKED.subn(own, javascript)


class PyTakePlugin(Plugin):
    """Adds the style sheet, the texts and the JavaScript modules of `ui/js`; frees the build from its address."""

    def get_static_assets(self, **context: Any) -> Sequence[tuple[Path, str | bytes]]:
        """Generated files, as paths inside Reflex's web directory; modules are imported as `$/public/pt_<name>.js`."""
        modules = [
            (Path("public") / f"pt_{path.stem}.js", path.read_text(encoding="utf-8"))
            for path in sorted(_JS_DIR.glob("*.js"))
            if path.stem != "i18n"
        ]
        return [
            (Path("styles") / "pytake.css", stylesheet()),
            (Path("public") / "pt_i18n.js", i18n_javascript()),
            (Path("public") / "pt_emoji_data.js", emoji_javascript()),
            *modules,
        ]

    def get_stylesheet_paths(self, **context: Any) -> Sequence[str]:
        """Our sheet, imported after Radix's because this plugin comes after it in `rxconfig.py`."""
        return ("./pytake.css",)

    def post_build(self, **context: Any) -> None:
        """Replace the baked addresses and the evaluation of functions in the client build.

        Raises:
            OriginRewriteError: no address was found.
            EvaluationError: no evaluation was found.
        """
        static_dir: Path = context["static_dir"]
        total, evaluations = 0, 0
        for path in static_dir.rglob("*.js"):
            source = path.read_text(encoding="utf-8")
            if MARKER_HOST in source or _EVALUATION in source:
                rewritten, count = rewrite_origin(source)
                rewritten, evaluated = without_evaluation(rewritten)
                path.write_text(rewritten, encoding="utf-8")
                total, evaluations = total + count, evaluations + evaluated
        if total == 0:
            raise OriginRewriteError("no baked backend address found in the built front end")
        if evaluations == 0:
            raise EvaluationError("no evaluation of the server's functions found in the built front end")

"""Design tokens: the only place in the interface with colours and pixel sizes.

Everything resolves to Radix colour variables, so light and dark follow `<html class>`. Style sheets in
`ui/styles/*.css` and Python components use the names below through `var(--…)` and never a hex value or a
`px` length; `tests/ui/test_theme.py` fails on a breach. Names to know:

* `--d-N`: N pixels, for the steps of `DIMENSIONS` (use them for gaps, paddings, widths: `padding: var(--d-8) var(--d-12)`).
* `--fs-*`, `--lh-*`, `--fw-*`: type; `--r-*` radii; `--shadow-1..4`; `--hairline`.
* `--panel`, `--raised`, `--sunken`, `--line`, `--text`, `--text-2`, `--hover`, `--active`, `--accent-*`, `--danger-solid`: surfaces.
* `--bubble-*`, `--note-*`, `--tick-read`, `--canvas*`, `--thread-bg`: conversation and canvas.
* `--jade-text`, `--blue-text`, …: text on a tint of its own hue. `.g-trigger`, `.g-message`, …: node groups
  (`--g-bg`, `--g-line`, `--g`, `--g-solid`).
* In media queries write `(--phone)`, `(--tablet)`, `(--narrow)`, `(--wide)`, `(--touch)`: they are replaced when the sheet is built.
"""

from functools import lru_cache
from pathlib import Path

STYLES_DIR = Path(__file__).parent / "styles"

# Pixel steps available as --d-N. One list, so that spacing stays on a scale.
DIMENSIONS = (
    *(
        1,
        2,
        3,
        4,
        5,
        6,
        7,
        8,
        9,
        10,
        11,
        12,
        13,
        14,
        15,
        16,
        18,
        19,
        20,
        22,
        24,
        26,
        28,
        30,
        32,
        34,
        36,
        38,
        40,
        42,
        44,
        47,
        48,
    ),
    *(
        52,
        56,
        60,
        64,
        70,
        72,
        80,
        84,
        88,
        96,
        104,
        112,
        120,
        128,
        144,
        160,
        176,
        180,
        192,
        200,
        208,
        220,
        224,
        236,
        240,
        250,
        256,
    ),
    *(
        260,
        280,
        300,
        312,
        320,
        328,
        332,
        336,
        360,
        380,
        400,
        420,
        440,
        480,
        520,
        560,
        600,
        640,
        650,
        672,
        720,
        800,
        880,
        960,
        1040,
        1200,
    ),
)

MEDIA = {
    "(--phone)": "(max-width: 767px)",
    "(--tablet)": "(max-width: 899px)",
    "(--narrow)": "(max-width: 1099px)",
    "(--wide)": "(min-width: 1280px)",
    "(--touch)": "(hover: none) and (pointer: coarse)",
    "(--reduced-motion)": "(prefers-reduced-motion: reduce)",
}

TYPE = {
    # name: (font size, line height) in px, never scaled
    "micro": (11, 14),
    "meta": (12, 16),
    "dense": (13, 18),
    "body": (14, 20),
    "lead": (16, 22),
    "title": (20, 26),
    "figure": (24, 30),
}

RADII = {"1": 3, "2": 4, "3": 6, "4": 8, "5": 10, "6": 12, "7": 16, "phone": 44, "full": 999}

MEASURES = {
    "sidebar-w": 224,
    "rail-w": 56,
    "topbar-h": 48,
    "topbar-h-phone": 52,
    "palette-w": 208,
    "inspector-w": 312,
    "inbox-list-w": 336,
    "inbox-panel-w": 312,
    "row-h": 40,
    "row-h-tall": 52,
    "row-h-dense": 32,
    "table-head-h": 34,
    "control-h": 30,
    "control-h-sm": 24,
    "touch-h": 44,
    "node-w": 260,
    "node-head-h": 44,
    "node-row-h": 32,
    "node-row-free-h": 28,
    "port": 12,
    "grid": 16,
}

HUES = ("jade", "blue", "violet", "amber", "cyan", "plum", "red", "slate")

NODE_GROUPS = {
    "trigger": "jade",
    "message": "blue",
    "input": "violet",
    "logic": "amber",
    "action": "cyan",
    "ai": "plum",
    "canvas": "slate",
}

_LIGHT = """
  --app-bg: var(--slate-2); --panel: #fff; --panel-2: var(--slate-2); --raised: #fff; --sunken: var(--slate-3);
  --line: var(--slate-a4); --line-strong: var(--slate-a6); --text: var(--slate-12); --text-2: var(--slate-11);
  --hover: var(--slate-a3); --active: var(--slate-a4); --seg-on: #fff; --knob: #fff; --on-danger: #fff; --scrim: var(--black-a6);
  --accent-solid: var(--jade-11); --accent-solid-hover: color-mix(in srgb, var(--jade-11) 88%, var(--jade-12)); --accent-solid-text: #fff;
  --accent-text: var(--jade-text); --accent-soft: var(--jade-a3); --accent-soft-hover: var(--jade-a4); --accent-line: var(--jade-8);
  --danger-solid: var(--red-11); --canvas: var(--slate-2); --canvas-dot: var(--slate-6);
  --bubble-in: #fff; --bubble-out: var(--jade-3); --bubble-out-line: var(--jade-a4);
  --note-bg: var(--amber-3); --note-line: var(--amber-6); --note-text: var(--amber-12);
  --tick-read: var(--blue-11); --thread-bg: var(--slate-2); --device: var(--slate-12);
  --amber-text: var(--amber-12); --amber-icon: var(--amber-11); --slate-text: var(--slate-11);
  --shadow-1: 0 1px 2px var(--black-a1);
  --shadow-2: 0 1px 2px var(--black-a1), 0 2px 6px -1px var(--black-a1);
  --shadow-3: 0 4px 14px -3px var(--black-a2), 0 2px 5px -2px var(--black-a2);
  --shadow-4: 0 12px 32px -8px var(--black-a3), 0 4px 12px -4px var(--black-a2);
"""

_DARK = """
  --app-bg: var(--slate-1); --panel: var(--slate-2); --panel-2: var(--slate-1); --raised: var(--slate-3); --sunken: var(--slate-1);
  --line: var(--slate-a4); --line-strong: var(--slate-a6); --text: var(--slate-12); --text-2: var(--slate-11);
  --hover: var(--slate-a3); --active: var(--slate-a4); --seg-on: var(--slate-5); --knob: #fff; --on-danger: #fff; --scrim: var(--black-a8);
  --accent-solid: var(--jade-9); --accent-solid-hover: var(--jade-10); --accent-solid-text: var(--jade-1);
  --accent-text: var(--jade-text); --accent-soft: var(--jade-a3); --accent-soft-hover: var(--jade-a4); --accent-line: var(--jade-9);
  --danger-solid: var(--red-8); --canvas: var(--slate-1); --canvas-dot: var(--slate-4);
  --bubble-in: var(--slate-3); --bubble-out: var(--jade-3); --bubble-out-line: var(--jade-a3);
  --note-bg: var(--amber-2); --note-line: var(--amber-5); --note-text: var(--amber-12);
  --tick-read: var(--blue-11); --thread-bg: var(--slate-1); --device: var(--slate-7);
  --amber-text: var(--amber-11); --amber-icon: var(--amber-11); --slate-text: var(--slate-11);
  --shadow-1: 0 1px 2px var(--black-a5);
  --shadow-2: 0 1px 2px var(--black-a6), 0 2px 6px -1px var(--black-a5);
  --shadow-3: 0 4px 14px -3px var(--black-a8), 0 2px 5px -2px var(--black-a7);
  --shadow-4: 0 12px 32px -8px var(--black-a9), 0 4px 12px -4px var(--black-a8);
"""

_FONT_FACES = """
@font-face { font-family: "Inter Variable"; font-style: normal; font-display: swap; font-weight: 100 900;
  src: url("/fonts/inter-latin-ext-wght-normal.woff2") format("woff2-variations");
  unicode-range: U+0100-02BA, U+02BD-02C5, U+02C7-02CC, U+02CE-02D7, U+02DD-02FF, U+0304, U+0308, U+0329, U+1D00-1DBF, U+1E00-1E9F, U+1EF2-1EFF, U+2020, U+20A0-20AB, U+20AD-20C0, U+2113, U+2C60-2C7F, U+A720-A7FF; }
@font-face { font-family: "Inter Variable"; font-style: normal; font-display: swap; font-weight: 100 900;
  src: url("/fonts/inter-latin-wght-normal.woff2") format("woff2-variations");
  unicode-range: U+0000-00FF, U+0131, U+0152-0153, U+02BB-02BC, U+02C6, U+02DA, U+02DC, U+0304, U+0308, U+0329, U+2000-206F, U+20AC, U+2122, U+2191, U+2193, U+2212, U+2215, U+FEFF, U+FFFD; }
"""

# Radix reads these on every `.radix-themes` element, so the class is doubled to win over its own sheet.
_RADIX = """
.radix-themes.radix-themes {
  --default-font-family: var(--font); --heading-font-family: var(--font); --cursor-button: pointer;
  --font-size-1: 12px; --font-size-2: 13px; --font-size-3: 14px; --font-size-4: 16px; --font-size-5: 20px;
  --line-height-1: 16px; --line-height-2: 18px; --line-height-3: 20px; --line-height-4: 22px; --line-height-5: 26px;
  --color-background: var(--app-bg); --color-panel-solid: var(--raised); --color-panel: var(--raised); --color-panel-translucent: var(--raised);
  --shadow-1: inherit; --shadow-2: inherit; --shadow-3: inherit; --shadow-4: inherit;
}
.radix-themes[data-is-root-theme="true"] {
  background: var(--app-bg); color: var(--text); font-size: var(--fs-body); line-height: var(--lh-body); letter-spacing: -0.003em; min-height: 100%;
}
:is(.radix-themes, .radix-themes *)[data-accent-color="jade"] {
  --accent-9: var(--accent-solid); --accent-10: var(--accent-solid-hover); --accent-contrast: var(--accent-solid-text);
}
:is(.radix-themes, .radix-themes *)[data-accent-color="red"] { --accent-9: var(--danger-solid); --accent-10: var(--danger-solid); --accent-contrast: var(--on-danger); }
"""


def _root_tokens() -> str:
    lines = [
        '--font: "Inter Variable", Inter, system-ui, -apple-system, "Segoe UI", sans-serif;',
        '--font-said: "Inter Variable", Inter, "Apple Color Emoji", "Segoe UI Emoji", "Noto Color Emoji", system-ui, sans-serif;',
        '--font-mono: ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace;',
        "--fw-regular: 400; --fw-medium: 500; --fw-strong: 600; --hairline: 1px; --icon: 16px; --icon-s: 14px; --icon-xs: 12px; --icon-l: 18px;",
        "--focus-ring: 0 0 0 1px var(--accent-line), 0 0 0 4px var(--jade-a4);",
        "--fast: 120ms; --calm: 200ms; --ease: cubic-bezier(.2, .8, .2, 1);",
        " ".join(f"--d-{step}: {step}px;" for step in DIMENSIONS),
        " ".join(f"--fs-{name}: {size}px; --lh-{name}: {height}px;" for name, (size, height) in TYPE.items()),
        " ".join(f"--r-{name}: {size}px;" for name, size in RADII.items()),
        " ".join(f"--{name}: {size}px;" for name, size in MEASURES.items()),
    ]
    return ":root {\n  " + "\n  ".join(lines) + "\n}"


def _hue_text() -> tuple[str, str]:
    mixed = [hue for hue in HUES if hue not in ("amber", "slate")]
    light = " ".join(f"--{hue}-text: color-mix(in srgb, var(--{hue}-11) 76%, var(--{hue}-12));" for hue in mixed)
    dark = " ".join(f"--{hue}-text: var(--{hue}-11);" for hue in mixed)
    return light, dark


def _groups() -> str:
    return "\n".join(
        f".g-{group} {{ --g-bg: var(--{hue}-a3); --g-line: var(--{hue}-8); --g: var(--{hue}-11); --g-solid: var(--{hue}-9); }}"
        for group, hue in NODE_GROUPS.items()
    )


def tokens_css() -> str:
    """All tokens as CSS custom properties, with the Radix overrides and the font faces."""
    light, dark = _hue_text()
    return "\n".join(
        [
            _FONT_FACES,
            _root_tokens(),
            f":root, .light {{{_LIGHT}  {light}\n}}",
            f".dark {{{_DARK}  {dark}\n}}",
            _groups(),
            _RADIX,
        ]
    )


@lru_cache(maxsize=1)
def stylesheet() -> str:
    """The whole style sheet: tokens, then every `ui/styles/*.css` in name order, with the media names filled in."""
    sheets = [tokens_css(), *(path.read_text(encoding="utf-8") for path in sorted(STYLES_DIR.glob("*.css")))]
    css = "\n".join(sheets)
    for name, query in MEDIA.items():
        css = css.replace(name, query)
    return css

"""Content security policies of pages: which of their inline scripts and styles may count, by hash (CSP Level 3)."""

from __future__ import annotations

import base64
import hashlib
import re

_SCRIPT = re.compile(rb"<script\b([^>]*)>(.*?)</script>", re.DOTALL)
_SOURCE = re.compile(rb"\bsrc\s*=")


def script_hashes(html: bytes) -> list[str]:
    """Sources for `script-src` that let exactly the inline scripts of this page run, in order, each once."""
    inline = [body for attributes, body in _SCRIPT.findall(html) if not _SOURCE.search(attributes) and body]
    return list(dict.fromkeys(source_of(body) for body in inline))


def source_of(body: bytes) -> str:
    """A hash source, `'sha256-…'`."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(body).digest()).decode()}'"

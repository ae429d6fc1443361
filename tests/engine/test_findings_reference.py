"""The reference of findings is what the verifier does."""

from __future__ import annotations

import pytest

from pytake_app.engine.findings_reference import BEGIN, DOCUMENT, finding_codes, written
from pytake_app.engine.verify import verify
from tests.engine.helpers import document
from tests.engine.test_catalogues import finding_codes as codes_with_texts
from tests.engine.test_verify_mends import CASES, ENV

KNOWN = finding_codes()


def test_the_document_is_current() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert BEGIN in text
    assert text == written(text), "run: python -m pytake_app.engine.findings_reference"


def test_every_code_stands_in_it() -> None:
    assert set(KNOWN) == codes_with_texts()
    assert all(entry.severities for entry in KNOWN.values())


@pytest.mark.parametrize("code", CASES)
def test_severities_and_mends_are_those_of_the_verifier(code: str) -> None:
    known = KNOWN
    for finding in verify(document(*CASES[code]), ENV):
        assert finding.severity in known[finding.code].severities, finding.code
        assert finding.mend is None or finding.mend in known[finding.code].mends, (finding.code, finding.mend)

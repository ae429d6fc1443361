"""Accessibility checks in the browser: axe-core as it comes with its package; nothing is fetched."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

AXE = Axe()
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    # What passed is told by one example a rule: describing every element that is right took half of the time.
    "resultTypes": ["violations"],
}


def complaints(page: Page, part: str | None = None) -> list[str]:
    """Serious and critical findings of the page, or of the `part` a selector names, one line each.

    Animations are finished first: half-faded text has no contrast.
    """
    page.evaluate(
        "() => Promise.all(document.getAnimations().map((one) => { try { one.finish(); } catch { one.cancel(); } }))"
    )
    found = AXE.run(page, context=part, options=RULES).response["violations"]
    return [
        f"{one['id']}: {node['target']} {node['html'][:160]} | {(node.get('failureSummary') or '')[:200]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
        for node in one["nodes"]
    ]

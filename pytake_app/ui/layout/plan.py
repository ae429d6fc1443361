"""What the shell says about the organization's plan: a limit that is near, a trial that ends, a limit that was met."""

from __future__ import annotations

import reflex as rx

LIBRARY = "$/public/pt_plan_notice.js"


class PlanBanner(rx.Component):
    """One line above the page, for administrators; nothing while nothing is to be told."""

    library = LIBRARY
    tag = "PlanBanner"
    organization: rx.Var[str]
    role: rx.Var[str]


class PlanRefusals(rx.Component):
    """Says which limit a refused creation has met, with the way to the plan's page."""

    library = LIBRARY
    tag = "PlanRefusals"

"""What the shell says while the person's e-mail address waits to be confirmed by a mailed link."""

from __future__ import annotations

import reflex as rx


class EmailBanner(rx.Component):
    """One line above the page with the way to another link; nothing once the address is confirmed."""

    library = "$/public/pt_email_confirmation.js"
    tag = "EmailBanner"
    wanted: rx.Var[bool]
    email: rx.Var[str]

"""Reflex's settings. The build is independent of host and port; see `pytake_app/ui/plugin.py`."""

import os

import reflex as rx

from pytake_app.ui.plugin import API_URL, PyTakePlugin

config = rx.Config(
    app_name="pytake_app",
    api_url=API_URL,
    deploy_url=API_URL,
    redis_url=os.environ.get("REDIS_URL") or None,
    # Same origin only: no CORS header is ever sent. The composition root refuses foreign origins on the socket.
    cors_allowed_origins=(),
    telemetry_enabled=False,
    show_built_with_reflex=False,
    frozen_lockfile=True,
    default_color_mode="system",
    plugins=[
        rx.plugins.RadixThemesPlugin(
            theme=rx.theme(
                accent_color="jade", gray_color="slate", radius="medium", scaling="95%", has_background=False
            )
        ),
        PyTakePlugin(),
    ],
    disable_plugins=[rx.plugins.SitemapPlugin],
)

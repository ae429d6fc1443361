"""The pages, one explicit list."""

import reflex as rx

from pytake_app.ui.pages.auth import more as guest
from pytake_app.ui.pages.auth import page as auth
from pytake_app.ui.pages.blocks import page as blocks
from pytake_app.ui.pages.channels import page as channels
from pytake_app.ui.pages.editor import page as editor
from pytake_app.ui.pages.flows import page as flows
from pytake_app.ui.pages.gallery import page as gallery
from pytake_app.ui.pages.home import page as home
from pytake_app.ui.pages.inbox import page as inbox
from pytake_app.ui.pages.message_queue import page as message_queue
from pytake_app.ui.pages.not_found import page as not_found
from pytake_app.ui.pages.queues import page as queues
from pytake_app.ui.pages.queues import settings as queue_settings
from pytake_app.ui.pages.sandbox import page as sandbox
from pytake_app.ui.pages.settings import (
    api_keys,
    audit,
    departments,
    hours,
    organization,
    organizations,
    plan,
    privacy,
    profile,
    roles,
    security,
    users,
)
from pytake_app.ui.pages.settings import inbox as inbox_settings
from pytake_app.ui.pages.start import page as start
from pytake_app.ui.pages.team import page as team


def register_pages(app: rx.App) -> None:
    """Add every page to the app."""
    app.add_page(home.page, route=home.ROUTE, on_load=home.ON_LOAD)
    app.add_page(auth.login_page, route=auth.LOGIN, on_load=auth.ON_LOAD)
    app.add_page(auth.register_page, route=auth.REGISTER, on_load=auth.ON_LOAD)
    app.add_page(guest.forgot_page, route=guest.FORGOT, on_load=guest.ON_LOAD)
    app.add_page(guest.code_page, route=guest.CODE, on_load=guest.ON_LOAD)
    app.add_page(guest.setup_page, route=guest.SETUP, on_load=guest.ON_LOAD)
    app.add_page(guest.reset_page, route=guest.RESET, on_load=guest.ON_LOAD_LINK)
    app.add_page(guest.invite_page, route=guest.INVITE, on_load=guest.ON_LOAD_LINK)
    app.add_page(guest.confirm_page, route=guest.CONFIRM, on_load=guest.ON_LOAD_LINK)
    app.add_page(start.page, route=start.ROUTE, on_load=start.ON_LOAD)
    app.add_page(inbox.page, route=inbox.ROUTE, on_load=inbox.ON_LOAD)
    app.add_page(queues.page, route=queues.ROUTE, on_load=queues.ON_LOAD)
    app.add_page(queue_settings.page, route=queue_settings.ROUTE, on_load=queue_settings.ON_LOAD)
    app.add_page(team.page, route=team.ROUTE, on_load=team.ON_LOAD)
    app.add_page(sandbox.page, route=sandbox.ROUTE, on_load=sandbox.ON_LOAD)
    app.add_page(flows.page, route=flows.ROUTE, on_load=flows.ON_LOAD)
    app.add_page(gallery.page, route=gallery.ROUTE, on_load=gallery.ON_LOAD)
    app.add_page(blocks.page, route=blocks.ROUTE, on_load=blocks.ON_LOAD)
    app.add_page(message_queue.page, route=message_queue.ROUTE, on_load=message_queue.ON_LOAD)
    app.add_page(privacy.page, route=privacy.ROUTE, on_load=privacy.ON_LOAD)
    app.add_page(profile.page, route=profile.ROUTE, on_load=profile.ON_LOAD)
    app.add_page(security.page, route=security.ROUTE, on_load=security.ON_LOAD)
    app.add_page(users.page, route=users.ROUTE, on_load=users.ON_LOAD)
    app.add_page(departments.page, route=departments.ROUTE, on_load=departments.ON_LOAD)
    app.add_page(organization.page, route=organization.ROUTE, on_load=organization.ON_LOAD)
    app.add_page(plan.page, route=plan.ROUTE, on_load=plan.ON_LOAD)
    app.add_page(organizations.page, route=organizations.ROUTE, on_load=organizations.ON_LOAD)
    app.add_page(inbox_settings.page, route=inbox_settings.ROUTE, on_load=inbox_settings.ON_LOAD)
    app.add_page(hours.page, route=hours.ROUTE, on_load=hours.ON_LOAD)
    for settings in (roles, api_keys, audit):
        app.add_page(settings.page, route=settings.ROUTE, on_load=settings.ON_LOAD)
    app.add_page(channels.page, route=channels.ROUTE, on_load=channels.ON_LOAD)
    app.add_page(editor.page, route=editor.ROUTE, on_load=editor.ON_LOAD)
    app.add_page(not_found.page, route=not_found.ROUTE)

"""The API in this process."""

from tests.api.fixtures import app, caller, client, live_client, register, services

__all__ = ["app", "caller", "client", "live_client", "register", "services"]

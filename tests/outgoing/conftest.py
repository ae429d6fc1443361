"""The API in this process."""

from tests.api.fixtures import app, caller, client, register, services

__all__ = ["app", "caller", "client", "register", "services"]

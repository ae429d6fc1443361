"""An organization to work in, and the API."""

from tests.api.fixtures import app, caller, client, register, services
from tests.flows.conftest import tenant, worker

__all__ = ["app", "caller", "client", "register", "services", "tenant", "worker"]

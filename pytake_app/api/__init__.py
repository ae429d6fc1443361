"""The HTTP and WebSocket API: assembles the domains' routers; importable without Reflex."""

"""Small HTTP calls at the least cost: the transport of message sends (docs/adr/0010)."""

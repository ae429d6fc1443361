"""Messaging platforms behind one interface: what they say is parsed, what we say is rendered."""

"""Organizations, users, sessions and tokens."""

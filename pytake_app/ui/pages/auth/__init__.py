"""Sign-in and registration."""

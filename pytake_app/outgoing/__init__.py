"""Calls to other systems: the guarded HTTP client, the language model client, and the secrets they use."""

"""Embedded PostgreSQL and Redis, and the process supervisor of ``./pytake up``."""

"""Foundations without domain words: database, tenancy, errors, crypto, clock, ids, live pokes, logs, metrics."""

"""Threads between contacts and channel accounts, and their messages."""

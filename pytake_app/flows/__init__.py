"""Flows: drafts, versions, sessions, the execution shell, timers, triggers, import and export."""

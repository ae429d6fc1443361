"""The sandbox page."""

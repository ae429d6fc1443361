"""The root address."""

"""Shared building blocks. Pages compose these and the classes of `ui/styles`; see each module's docstring."""

"""The registry of node types."""

"""The gallery of starter flows."""

"""PyTake: self-hosted, WhatsApp-first conversational automation."""

__version__ = "0.1.0"

"""The team: who answers, how much, what."""

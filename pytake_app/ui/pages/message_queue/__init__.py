"""The message queue: what waits, what was given up on, and how the pipeline does."""

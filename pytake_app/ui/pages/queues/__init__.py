"""Service queues: the monitor and the settings."""

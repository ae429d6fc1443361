"""Settings: one's own account and the organization's, in one frame."""

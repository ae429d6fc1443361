"""People on the other side and their identities per channel account."""

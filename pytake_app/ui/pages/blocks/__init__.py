"""What each block does, to read."""

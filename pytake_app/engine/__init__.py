"""The pure flow engine: values in, events out. No I/O, no clock, no randomness of its own."""

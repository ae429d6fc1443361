"""The web interface: the only package, with the composition root, that imports Reflex."""

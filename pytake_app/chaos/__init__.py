"""Kill tests: real processes under load, faults in turn, and the proof that nothing was lost or repeated."""

"""Analyses of whole flows: graph, assignment, service window, channels, cost, paths. Pure functions."""

"""Distances and overlaps between two sets of features: arrays in, numbers out, in float64."""

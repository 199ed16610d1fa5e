"""Immutable revisions: one snapshot is written once, under a name that holds its digest."""

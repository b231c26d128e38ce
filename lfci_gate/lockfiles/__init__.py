"""Lockfiles: which files of a tree are one, by name."""

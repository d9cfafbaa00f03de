"""Monotonic alignment search."""

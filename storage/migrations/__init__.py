"""Alembic's environment and its append-only scripts."""

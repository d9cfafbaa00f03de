"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# Left alone, an example that takes 200 ms fails: a busy machine would be a counterexample.
settings.register_profile("parley", deadline=None)
settings.load_profile("parley")

"""Hypothesis profiles: `ci` (the default) always draws the same examples; `pytest --hypothesis-profile deep` digs."""

from hypothesis import settings

settings.register_profile("ci", derandomize=True, deadline=None, max_examples=60)
settings.register_profile("deep", deadline=None, max_examples=3000)
settings.load_profile("ci")

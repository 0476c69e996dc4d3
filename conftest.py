"""Hypothesis profiles: `ci` (the default) always draws the same examples; `pytest --hypothesis-profile deep` digs.

And Ctrl-C works in the tests, even where they run in the background of a shell, which has it ignored.
"""

import gc
import signal

from hypothesis import settings

settings.register_profile("ci", derandomize=True, deadline=None, max_examples=60)
settings.register_profile("deep", deadline=None, max_examples=3000)
settings.load_profile("ci")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Proofs make millions of expressions, hardly any of which are in a circle: looking for those at every 700 new objects,
# as Python does by itself, is a seventh of the time.
gc.set_threshold(50_000, 20, 10)


def pytest_sessionfinish():
    """What the tests left behind is not looked through five times more, as pytest does when it ends: seconds."""
    gc.freeze()

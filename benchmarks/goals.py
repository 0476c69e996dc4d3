"""How a row is marked with its goal, and whether this run meets it."""

import numpy as np


def mark(value, *, at_least=None, at_most=None):
    """`goal at least 0.85: met`, or by how much it is missed. One of the two goals is given."""
    goal, missed = (at_least, at_least - value) if at_most is None else (at_most, value - at_most)
    said = f"goal at {'least' if at_most is None else 'most'} {goal:g}"
    return f"{said}: met" if missed <= 0 else f"{said}: missed by {missed:.2f}"


def marked(name, ratios, **goal):
    """Print the median of several turns' ratios, from which to which they went, and the mark."""
    middle = np.median(ratios)
    print(f"{name}: {middle:.2f} ({min(ratios):.2f} to {max(ratios):.2f}), {mark(middle, **goal)}", flush=True)

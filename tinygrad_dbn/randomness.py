"""The one rule for chance: wherever `seed` or `rng` is asked for, a whole number or a `numpy.random.Generator` will do.

The same number makes the same bits, on any number of threads. A generator is drawn from, and so moves on. There is no
hidden state: a function that draws is given what it draws from.
"""

from typing import Any, TypeAlias

import numpy as np

Random: TypeAlias = int | np.random.Generator
"""A seed, or a generator that is drawn from."""


def generator(given: Random) -> np.random.Generator:
    """The generator itself, or one that starts at the seed.

    Raises TypeError for anything else, ValueError for a seed below 0.

    >>> generator(3).integers(100) == np.random.default_rng(3).integers(100)
    np.True_
    """
    return given if isinstance(given, np.random.Generator) else np.random.default_rng(seed_of(given))


def seed_of(given: Random) -> int:
    """The seed itself, or one drawn from the generator: for a training that makes generators of its own from it.

    Raises TypeError for anything else, ValueError for a seed below 0.
    """
    if isinstance(given, np.random.Generator):
        return int(given.integers(1 << 62))
    seed: Any = given
    if isinstance(seed, bool | np.bool_) or not isinstance(seed, int | np.integer):
        raise TypeError(
            f"{seed!r:.60} is neither a seed nor a generator; write a whole number such as 0, or "
            "np.random.default_rng(0)"
        )
    if seed < 0:
        raise ValueError(f"the seed is {seed}; write a whole number of at least 0")
    return int(seed)

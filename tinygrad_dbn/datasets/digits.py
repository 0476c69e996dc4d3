"""Real handwritten digits that need no network: they come with scikit-learn."""

import numpy as np

from ..extras import needing
from ..randomness import Random, seed_of
from .dataset import Dataset


def digits(threshold: int = 8, heldout: int = 360, seed: Random = 0) -> Dataset:
    """scikit-learn's 1 797 handwritten digits, 8 × 8, binarised: `train` (1437, 64), `heldout` (360, 64).

    A pixel has 17 grey levels, 0 to 16; it is 1 where its level is at least `threshold`. The examples
    are shuffled by `np.random.default_rng(seed)` and the last `heldout` of them are held out, so a
    writer may appear in both parts. The best possible likelihood is not known.
    Raises ValueError for a threshold outside 1..16 or a held-out count outside 0..1796 (0: none), and
    ImportError where scikit-learn is missing.
    Source: Alpaydin & Kaynak, Optical Recognition of Handwritten Digits (UCI, 1998), its test part.
    """
    seed = seed_of(seed)
    if not 1 <= threshold <= 16:
        raise ValueError(f"digits: threshold is {threshold}, but grey levels go from 0 to 16; write 1 to 16")
    with needing("td.datasets.digits", "sklearn"):
        from sklearn.datasets import load_digits

    levels = np.asarray(load_digits().data)
    if not 0 <= heldout < len(levels):
        raise ValueError(
            f"digits: heldout is {heldout}, but there are {len(levels)} examples; write 0 to {len(levels) - 1}"
        )
    binary = (levels >= threshold).astype(np.float64)
    shuffled = binary[np.random.default_rng(seed).permutation(len(binary))]
    kept = len(binary) - heldout
    source = (
        f"scikit-learn's handwritten digits (Alpaydin & Kaynak 1998), 8 × 8, 1 where the grey level "
        f"is {threshold} or more of 16; {kept} to train, {heldout} held out (shuffled with seed {seed})."
    )
    parts = shuffled[:kept].copy(), shuffled[kept:].copy() if heldout else None
    return Dataset("digits", *parts, (8, 8), None, source)

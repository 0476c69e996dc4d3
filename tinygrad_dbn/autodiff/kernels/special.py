"""Elementary functions that NumPy has not: a kernel says `special.erf(x)` as it says `np.exp(x)`.

On an object they run its own method of that name, as NumPy's functions do. When a kernel is compiled, `special` stands
for the file `floats`, as `np` does; where Numba is switched off, floats come here.
"""

import math
from typing import Any


def erf(x: Any) -> Any:
    """(2 / √π) ∫₀ˣ e^(−t²) dt."""
    return x.erf() if hasattr(x, "erf") else math.erf(x)


def erfc(x: Any) -> Any:
    """1 − erf x."""
    return x.erfc() if hasattr(x, "erfc") else math.erfc(x)


def erf_slope(x: Any) -> Any:
    """(2 / √π) e^(−x²)."""
    return x.erf_slope() if hasattr(x, "erf_slope") else 2 / math.sqrt(math.pi) * math.exp(-x * x)

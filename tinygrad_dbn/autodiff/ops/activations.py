"""Activations that are made of rows, each stable from −∞ to ∞."""

from ..operators import Value
from .elementwise import chain, expm1, greater, multiply, sigmoid, where
from .special import erfc


def leaky_relu(x: Value, slope: float = 0.01) -> Value:
    """x where it is positive, else slope · x, also at 0 (Maas, Hannun & Ng 2013).

    >>> import numpy as np
    >>> leaky_relu(np.array([-2.0, 3.0]))
    array([-0.02,  3.  ])
    """
    return where(greater(x, 0), x, multiply(slope, x))


def elu(x: Value, alpha: float = 1.0) -> Value:
    """x where it is positive, else alpha · (e^x − 1), also at 0 (Clevert, Unterthiner & Hochreiter 2016).

    >>> import numpy as np
    >>> elu(np.array([-np.inf, 3.0]))
    array([-1.,  3.])
    """
    below = where(greater(x, 0), 0, x)  # the branch not taken must not overflow
    return where(greater(x, 0), x, multiply(alpha, expm1(below)))


def silu(x: Value) -> Value:
    """x σ(x), also called swish (Elfwing, Uchibe & Doya 2018); 0 at −∞.

    >>> import numpy as np
    >>> silu(np.array([-np.inf, 0.0, np.inf]))
    array([ 0.,  0., inf])
    """
    return chain(sigmoid(x), x)


def gelu(x: Value) -> Value:
    """x Φ(x), Φ the normal distribution function (Hendrycks & Gimpel 2016); 0 at −∞.

    Φ(x) = ½ erfc(−x / √2), exactly: neither the tanh nor the sigmoid that stand for it elsewhere.

    >>> import numpy as np
    >>> gelu(np.array([-np.inf, 0.0, np.inf]))
    array([ 0.,  0., inf])
    """
    return chain(multiply(0.5, erfc(multiply(-(0.5**0.5), x))), x)

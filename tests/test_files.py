"""Writing files: in one step, only over regular files, and refused in one sentence that can be printed."""

import ast
import errno
import os
import shlex
import stat
import subprocess
from pathlib import Path

import pytest

import tinygrad_dbn as td
from tinygrad_dbn import files
from tinygrad_dbn.files import printable, quoted, write_atomically

# Writing in one step.


@pytest.mark.parametrize("fault", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, fault):
    path = tmp_path / "m.safetensors"
    path.write_bytes(b"old")

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, fault, full)
    with pytest.raises(OSError, match=r"cannot write .*m\.safetensors: No space left on device") as caught:
        write_atomically(path, b"new")
    assert caught.value.errno == errno.ENOSPC
    assert "untouched" in str(caught.value)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_an_interrupt_leaves_the_old_file_or_the_new_one_and_goes_on_as_an_interrupt(tmp_path, monkeypatch, step):
    path, honest = tmp_path / "f", getattr(os, step)
    path.write_bytes(b"old")

    def interrupted(*arguments):
        honest(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, step, interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, b"new")
    assert path.read_bytes() == {"fsync": b"old", "replace": b"new"}[step]
    assert list(tmp_path.iterdir()) == [path]


def test_links_are_followed_and_permissions_kept(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    target.chmod(0o640)
    link.symlink_to(target)
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_a_missing_folder_or_a_folder_in_the_way_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"cannot write .*none/f: No such file"):
        write_atomically(tmp_path / "none" / "f", b"")
    (tmp_path / "d").mkdir()
    with pytest.raises(IsADirectoryError, match="cannot write"):
        write_atomically(tmp_path / "d", b"")
    assert list(tmp_path.iterdir()) == [tmp_path / "d"]


@pytest.fixture(params=["pipe", "device", "socket-like folder"])
def no_file(request, tmp_path):
    """Something that is there, and is no regular file."""
    path = tmp_path / "there"
    if request.param == "pipe":
        os.mkfifo(path)
    elif request.param == "device":
        path.symlink_to("/dev/full")
    else:
        path.mkdir()
    return path


def test_only_regular_files_are_replaced(no_file, tmp_path):
    before = os.stat(no_file)
    with pytest.raises(OSError, match=r"cannot write .*there: ") as caught:
        td.save(no_file, td.RBM([[1.0]], [0.0], [0.0]))
    assert "\n" not in str(caught.value)
    after = os.stat(no_file)
    assert (after.st_mode, after.st_ino, after.st_rdev) == (before.st_mode, before.st_ino, before.st_rdev)
    assert list(tmp_path.iterdir()) == [no_file]
    with pytest.raises(ValueError, match="there is not a file; give"):
        td.load(no_file)


def test_what_is_written_is_never_readable_by_more_than_the_file_it_replaces(tmp_path, monkeypatch):
    path = tmp_path / "secret"
    path.write_bytes(b"old")
    path.chmod(0o600)
    seen, sync = [], os.fsync
    monkeypatch.setattr(files.os, "fsync", lambda handle: seen.append(os.fstat(handle).st_mode) or sync(handle))
    write_atomically(path, b"new")
    assert [stat.S_IMODE(mode) for mode in seen] == [0o600]


def test_no_name_of_a_users_file_is_taken_for_a_temporary_one(tmp_path, monkeypatch):
    mine = tmp_path / f"{files.TEMPORARY_PREFIX}same.tmp"
    mine.write_bytes(b"mine")
    monkeypatch.setattr(files.secrets, "token_hex", lambda _: "same")
    with pytest.raises(FileExistsError):
        write_atomically(tmp_path / "f", b"new")
    assert mine.read_bytes() == b"mine"


LONG = "x" * 5000


@pytest.mark.parametrize("name", [LONG, f"{'x' * 300}/f", "a\0b", "none/f", "file/f", "loop"])
def test_names_that_cannot_be_are_refused_in_one_sentence(tmp_path, name):
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "loop").symlink_to("loop")
    for attempt in (lambda path: write_atomically(path, b""), td.load, td.datasets.from_file, td.datasets.idx):
        with pytest.raises(OSError, match=r"cannot write|no such file") as caught:
            attempt(f"{tmp_path}/{name}.npy" if attempt is td.datasets.from_file else f"{tmp_path}/{name}")
        assert "\n" not in str(caught.value)
        assert "\0" not in str(caught.value)
        assert len(str(caught.value)) < 600


# What a terminal is shown.


def test_nothing_that_a_terminal_obeys_or_cannot_show_is_left():
    every = "".join(map(chr, range(0x110000)))
    assert printable(every).isprintable()
    printable(every).encode()
    assert printable(printable(every)) == printable(every)
    assert printable("½|x − x̂|² Σ 数字.npy") == "½|x − x̂|² Σ 数字.npy"


@pytest.mark.parametrize("name", [b"plain", b"a b", b"it's", b"caf\xe9.npy", b"\x1b[31m", b"back\\slash\n", b"\xff'\\"])
def test_a_quoted_word_is_the_same_word_to_a_shell(name):
    word = os.fsdecode(name)
    assert quoted(word).isprintable()
    said = subprocess.run(["bash", "-c", f"printf %s {quoted(word)}"], capture_output=True, check=True)
    assert said.stdout == name
    if word.isprintable():
        assert quoted(word) == shlex.quote(word)


# One writer, one reader.

TOUCHING = {
    "open", "fdopen", "write_text", "write_bytes", "read_text", "read_bytes", "savefig", "save_file", "load_file",
    "safe_open", "savez", "savez_compressed", "savetxt", "loadtxt", "genfromtxt", "fromfile", "tofile", "open_memmap",
    "memmap", "mkstemp", "NamedTemporaryFile", "rename", "renames", "os.replace", "copyfile", "copy2", "move",
    "shutil.copy",     "pickle.dump", "pickle.load", "np.save", "np.load", "json.dump", "json.load",
}  # fmt: skip
ALLOWED = {
    ("autodiff/kernels/floats.py", "Path(__file__).read_bytes"): "the package's own source",
    ("autodiff/kernels/jit.py", "file.read_bytes"): "the package's own source",
    ("autodiff/kernels/jit.py", "path.open"): "machine code, believed by its owner, rights and digest",
    ("autodiff/compile/emit.py", "Path(__file__).with_name('machine.py').read_bytes"): "the package's own source",
    ("book/site.py", "(HERE / 'book.css').read_bytes"): "the package's own source",
    ("book/site.py", "(HERE / 'book.js').read_bytes"): "the package's own source",
    ("book/site.py", "(root / 'docs' / picture).read_bytes"): "the checkout's own pictures",
    ("book/prose.py", "(root / 'README.md').read_text"): "the checkout's README",
    ("book/prose.py", "(docs / 'engine.md').read_text"): "the checkout's tutorial",
    ("book/prose.py", "file.read_text"): "the checkout's own source",
    ("book/source.py", "(PACKAGE / file).read_text"): "the package's own source",
    ("cli/book.py", "readme.read_text"): "the checkout's README",
    ("cli/book.py", "p.read_text"): "the checkout's README and THEOREMS.md",
    ("cli/lab.py", "os.open"): "the null device, in place of a pipe whose reader has left",
    ("lab/run/folder.py", "os.open"): "a folder, to lock it",
    ("lab/canvas.py", "figure.savefig"): "into memory",
    ("lab/code.py", "file.read_text"): "the package's own source",
    ("lab/page.py", "Path(__file__).with_name('page.css').read_text"): "the package's own source",
    ("lab/page.py", "Path(__file__).with_name('page.js').read_text"): "the package's own source",
    ("book/record.py", "(root / 'THEOREMS.md').read_text"): "the checkout's THEOREMS.md",
    ("datasets/documents.py", "file.read_bytes"): "the sources of installed packages",
    ("datasets/mnist.py", "np.loadtxt"): "from memory",
    ("autodiff/compile/cache.py", "path.read_bytes"): "generated source, compared with what is to be run",
}


def test_no_file_is_opened_but_by_the_one_reader_and_the_one_writer():
    package = Path(td.__file__).parent
    found = set()
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                if TOUCHING & {called, called.rpartition(".")[2]}:
                    found.add((path.relative_to(package).as_posix(), called))
    ground = {place for place in found if place[0] == "files.py"}
    assert {called for _, called in ground} == {"os.open", "os.fdopen", "os.replace", "Path(path).read_bytes"}
    assert found - ground == set(ALLOWED)

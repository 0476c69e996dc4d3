"""Where the package is run: without a home, without a cache, with a damaged one, without Numba, without docstrings.

In every environment the same four things are done, from the first op to a training, and give the same numbers.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest

import tinygrad_dbn as td
from tinygrad_dbn.autodiff.kernels import jit

PROGRAM = """
import json, numpy as np, tinygrad_dbn as td
from tinygrad_dbn import ops
rng = np.random.default_rng(0)
X, y = rng.random((8, 3)), rng.integers(0, 2, 8)
rbm = td.RBM(rng.normal(size=(2, 3)), rng.normal(size=3), rng.normal(size=2))
net = td.FeedForward.init((3, 2, 2), rng)
jobs = {
    "first op": lambda: ops.logsumexp(ops.sigmoid(np.arange(3.0))),
    "compile": lambda: td.compile(td.grad(lambda x: ops.logsumexp(x * x)))(np.arange(3.0)).sum(),
    "exact": lambda: td.exact.log_partition(rbm),
    "fit": lambda: td.learning.fit(net, (X, y), epochs=2, batch=4).history[-1].loss,
}
for name in JOBS:
    print(json.dumps([name, float(jobs[name]())]), flush=True)
"""
ALL = ("first op", "compile", "exact", "fit")
NOT_ROOT = hasattr(os, "geteuid") and os.geteuid() != 0


def run(jobs, environment, *, before=(), flags=(), first=""):
    """The jobs in a process of their own: their numbers, and what it said."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA_", "XDG_", "HOME", "PYTHON"))}
    kept |= {"PYTHONPATH": str(Path(td.__file__).parents[1]), **environment}
    program = f"{first}\nJOBS = {jobs}\n{PROGRAM}"
    done = subprocess.run(
        [*before, sys.executable, "-B", *flags, "-c", program], capture_output=True, text=True, env=kept, cwd="/"
    )
    assert done.returncode == 0, done.stderr
    return dict(map(json.loads, done.stdout.splitlines())), done.stderr


@pytest.fixture(scope="module")
def expected():
    """The numbers of this process."""
    rng = np.random.default_rng(0)
    X, y = rng.random((8, 3)), rng.integers(0, 2, 8)
    rbm = td.RBM(rng.normal(size=(2, 3)), rng.normal(size=3), rng.normal(size=2))
    net = td.FeedForward.init((3, 2, 2), rng)
    with td.learning.uncompiled():
        loss = td.learning.fit(net, (X, y), epochs=2, batch=4).history[-1].loss
    x = np.arange(3.0)
    return {
        "first op": float(np.log(np.exp(1 / (1 + np.exp(-x))).sum())),
        "compile": float((2 * x * np.exp(x * x) / np.exp(x * x).sum()).sum()),
        "exact": td.exact.log_partition(rbm),
        "fit": loss,
    }


@pytest.fixture(scope="module")
def machine_code(expected, tmp_path_factory):
    """The cache of a process that did everything."""
    folder = tmp_path_factory.mktemp("machine-code")
    found, said = run(ALL, {"NUMBA_CACHE_DIR": str(folder)})
    agree(found, expected)
    assert not said
    return folder


def agree(found, expected, jobs=ALL):
    assert tuple(found) == jobs
    for job in jobs:
        assert found[job] == pytest.approx(expected[job], rel=1e-12), job


def as_nobody():
    """Words before a command that run it as a user without an entry in the passwd file, who may read everything (the
    interpreter may lie in root's home) but write nothing of others'."""
    if NOT_ROOT:
        return []
    words = ["setpriv", "--reuid=65533", "--regid=65533", "--clear-groups"]
    words += ["--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"]
    if (
        not shutil.which("setpriv")
        or subprocess.run([*words, sys.executable, "-c", ""], capture_output=True).returncode
    ):
        pytest.skip("setpriv cannot become another user here")
    return words


def test_numba_switched_off(expected, tmp_path):
    found, said = run(ALL, {"NUMBA_DISABLE_JIT": "1", "HOME": str(tmp_path)})
    agree(found, expected)
    assert not said
    assert not list(tmp_path.rglob("*"))


def test_without_docstrings_and_asserts(expected, tmp_path):
    for jobs, environment in ((("first op", "compile", "fit"), {}), (ALL, {"NUMBA_DISABLE_JIT": "1"})):
        found, said = run(jobs, {"HOME": str(tmp_path), **environment}, flags=["-OO"])
        agree(found, expected, jobs)
        assert not said


def test_a_user_without_a_home(expected):
    """As in a container: HOME=/ and no right to write there, nor in the package. It is said once."""
    jobs = ("first op", "compile", "fit")
    found, said = run(jobs, {"HOME": "/"}, before=as_nobody())
    agree(found, expected, jobs)
    assert said.count("NUMBA_CACHE_DIR") == 1
    assert said.count("\n") == 1


@pytest.mark.skipif(NOT_ROOT, reason="only root can become another user")
def test_a_user_without_an_entry_or_home(expected):
    found, said = run(("first op",), {}, before=as_nobody())
    agree(found, expected, ("first op",))
    assert said.count("NUMBA_CACHE_DIR") == said.count("\n") == 1


def shared(folder):
    folder.chmod(0o777)


def foreign(folder):
    if NOT_ROOT:
        pytest.skip("only root can give a folder away")
    os.chown(folder, 65533, 65533)


def a_file(folder):
    folder.rmdir()
    folder.write_text("")


@pytest.mark.parametrize(
    ("spoil", "why"),
    [(shared, "others can write it"), (foreign, "belongs to another user"), (a_file, "exists")],
)
def test_a_cache_that_cannot_be_trusted_is_not_used(spoil, why, expected, tmp_path):
    folder = tmp_path / "tinygrad_dbn"
    folder.mkdir(mode=0o700)
    spoil(folder)
    found, said = run(("first op", "compile"), {"NUMBA_CACHE_DIR": str(tmp_path)})
    agree(found, expected, ("first op", "compile"))
    assert why in said
    assert said.count("\n") == 1
    assert list(tmp_path.rglob("*")) == [folder]


def damaged(content, how):
    """A file's bytes cut short, emptied, or with one bit changed."""
    if how == 2:
        at = len(content) // 2
        return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
    return b"" if how == 0 else content[: len(content) // 2]


def test_damaged_machine_code_is_made_again(expected, machine_code):
    """One file of every kind of compiled function: ufuncs, kernels of rows, loops of exact sums, generated texts."""
    folder = machine_code / "tinygrad_dbn"
    assert folder.stat().st_mode & 0o777 == 0o700
    files = sorted(min(folder.glob(f"{kind}-*.machine")) for kind in ("logsumexp", "run", "sigmoid", "sum_blocks"))
    for i, path in enumerate(files):
        path.write_bytes(damaged(path.read_bytes(), i % 3))
    found, said = run(ALL, {"NUMBA_CACHE_DIR": str(machine_code)})
    agree(found, expected)
    assert sorted(said.splitlines()) == [f"{path} is damaged: the machine code is made again" for path in files]
    assert all(jit._read(path) is not None for path in files)


@pytest.mark.parametrize("how", range(3))
def test_every_damage_is_seen(how, machine_code, tmp_path, monkeypatch):
    monkeypatch.setattr(jit, "_said", set())
    files = list((machine_code / "tinygrad_dbn").glob("*.machine"))
    for path in files:
        assert jit._read(path) is not None
        copy = tmp_path / path.name
        jit.write_atomically(copy, damaged(path.read_bytes(), how), jit.PRIVATE)
        assert jit._read(copy) is None
    assert len(jit._said) == len(files) > 10


def test_the_first_compilation_is_announced(tmp_path):
    """Once, before it; and not where the machine code is found."""
    watch = "import logging; logging.basicConfig(level='INFO', format='%(name)s %(message)s')"
    said = [run(("first op", "compile"), {"NUMBA_CACHE_DIR": str(tmp_path)}, first=watch)[1] for _ in range(2)]
    assert said[0].startswith("tinygrad_dbn.compile.first compiling: ")
    assert said[0].count("compile.first") == 1
    assert "compile.first" not in said[1]


def test_nothing_is_compiled_where_machine_code_is_found(expected, machine_code, tmp_path):
    """Not even NumPy's loops around the kernels: LLVM optimises nothing but the runtime that Numba itself needs."""
    watch = """
    import atexit, sys
    from numba.core.codegen import CPUCodeLibrary
    optimise, optimised = CPUCodeLibrary._optimize_final_module, []
    CPUCodeLibrary._optimize_final_module = lambda self: (optimised.append(self.name), optimise(self))
    atexit.register(lambda: sys.stderr.write(" ".join(optimised)))
    """
    found, said = run(ALL, {"NUMBA_CACHE_DIR": str(machine_code)}, first=dedent(watch))
    agree(found, expected)
    assert said == "nrt"
    _, said = run(("first op",), {"NUMBA_CACHE_DIR": str(tmp_path)}, first=dedent(watch))
    assert {"nrt", "ufunc_wrapper"} < set(said.split())


def test_machine_code_depends_on_all_that_is_inlined_into_it(monkeypatch):
    """The loops of the exact sums inline one another, and the engine's elementary functions."""
    from tinygrad_dbn.exact.sums import moments

    files = []
    monkeypatch.setattr(jit, "_digest", lambda *given: files.extend(given) or "")
    jit.Stored(moments.sum_blocks.py_func)
    assert {"moments.py", "odds.py", "floats.py"} <= {path.name for path in files}


def test_a_file_that_others_can_write_is_not_read(tmp_path, monkeypatch):
    """Its bytes would be run as a pickle says."""
    monkeypatch.setattr(jit, "_said", set())
    path = tmp_path / "f.machine"
    jit.write_atomically(path, jit.sha256(b"code").digest() + b"code", jit.PRIVATE)
    assert jit._read(path) == b"code"
    path.chmod(0o666)
    assert jit._read(path) is None
    assert any("others can write it" in message for message in jit._said)

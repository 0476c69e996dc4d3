"""What `td.compile` writes: a file to read, safe to share and to damage; and what a call needs in memory."""

import os
import re
import subprocess
import sys
import traceback

import numpy as np
import pytest
from compiling import close, interpreted, kept_apart, network, training_step  # noqa: F401 – a fixture

import tinygrad_dbn as td
from tinygrad_dbn import ops
from tinygrad_dbn.autodiff.compile import CompileError, cache
from tinygrad_dbn.autodiff.compile.inline import inlined
from tinygrad_dbn.autodiff.op import TABLE
from tinygrad_dbn.autodiff.trees import flatten


@pytest.fixture(scope="module")
def compiled_step(kept_apart):  # noqa: F811
    return td.compile(training_step)


def test_the_text_is_a_file_to_read(compiled_step):
    net, x, y = network()
    text = compiled_step.source(net, x, y)
    compiled_step(net, x, y)
    files = [path for path in cache.folder().glob("*.py") if path.read_text() == text]
    assert files == [compiled_step.specialisations[0].file]
    assert "def op_sigmoid(x):" in text
    assert text.count("# matmul") - text.count("    # matmul") == 2 + 3  # none for the derivative by the inputs
    assert text.count("numpy.dot(") == 3  # A Bᵀ, Aᵀ B and A B, of any size; no transpose is made
    assert "fastmath=True" not in text


def test_a_kernel_is_written_with_as_many_operands_as_it_has():
    assert inlined(TABLE["add"].kernel, ["1", "b[2]"]) == "1 + b[2]"
    for operands in (["1"], ["1", "2", "3"]):
        with pytest.raises(ValueError, match=r"zip"):
            inlined(TABLE["add"].kernel, operands)


def test_a_kernel_whose_lines_are_not_to_be_had_is_refused():
    scope = {}
    exec("def squared(x):\n    return x**2", scope)  # as at Python's prompt
    for kernel in (scope["squared"], lambda x: x**2):
        with pytest.raises(CompileError, match=r"the lines of the op '.+' are not to be had; write it with def, in a"):
            inlined(kernel, ["1"])


def sizes_of(net, batch):
    """Elements: of the parameters, and of the activations. The lecture's backward pass (A6) needs x, and a^(k) and
    h^(k) of every layer, which are what the rules are given; `strict` counts x and h^(k) alone."""
    units = [W.shape[0] for W in net.weights]
    inputs = net.weights[0].shape[1]
    return sum(p.size for p in flatten(net)[0]), batch * (inputs + 2 * sum(units)), batch * (inputs + sum(units))


BENCHMARKS = [
    ((16, 16, 10), 16),
    ((64, 128, 10), 32),
    ((784, 500, 10), 32),
    ((784, 500, 10), 128),
    ((784, 1000, 1000, 1000, 10), 32),
]
MOSTLY_ACTIVATIONS = [((5, 4, 3), 1000), ((4, 4, 4, 4, 4, 3), 500), ((16, 16, 10), 2000), ((2, 64, 64, 2), 256)]


@pytest.mark.parametrize("hidden", ["sigmoid", "tanh", "relu"])
@pytest.mark.parametrize(("sizes", "batch"), BENCHMARKS + MOSTLY_ACTIVATIONS)
def test_a_step_needs_little_more_than_its_arrays(sizes, batch, hidden):
    """Everything a step holds – what it is given, what it returns, what it makes in between – against its parameters,
    a gradient for each, and its activations. Gradients live where the new parameters will be."""
    net, x, y = network(sizes, batch, hidden)
    with interpreted():
        memory = td.compile(training_step).memory(net, x, y)
    parameters, activations, strict = sizes_of(net, batch)
    assert memory.arguments == 8 * (parameters + x.size + y.size)
    assert memory.results == 8 * (parameters + 1)
    assert memory.peak <= 1.2 * 8 * (2 * parameters + activations)
    if (sizes, batch) in BENCHMARKS:
        assert memory.peak <= 1.2 * 8 * (2 * parameters + strict)


def test_memory_counts_every_buffer_once():
    args, compiled = network(), td.compile(training_step)
    with interpreted():
        text, memory = compiled.source(*args), compiled.memory(*args)
    starts = eval(re.search(r"OFFSETS = numpy\.array\((.*)\)", text)[1])
    block = int(re.search(r"numpy\.empty\((\d+), numpy\.uint8\)", text)[1])
    assert starts == sorted(starts)
    assert all(start % 64 == 0 for start in starts)
    assert 0 < memory.buffers <= block <= memory.buffers + 64 * (len(starts) + 1)
    assert memory.peak == memory.arguments + memory.results + memory.buffers


def test_files_are_kept_where_the_user_says_or_else_in_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache.folder() == tmp_path / ".cache" / "tinygrad_dbn"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    assert cache.folder() == tmp_path / "x" / "tinygrad_dbn"
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "n"))
    assert cache.folder() == tmp_path / "n" / "tinygrad_dbn"


def test_what_was_compiled_is_reported(caplog):
    def doubled(x):
        return x + x

    compiled = td.compile(doubled, specialisations=2)
    with caplog.at_level("INFO", "tinygrad_dbn.compile"), interpreted():
        for n in (1, 2, 1):
            compiled(np.ones((n, 3)))
    assert [report.shapes for report in compiled.specialisations] == ["float64[2, 3]", "float64[1, 3]"]
    assert all(report.seconds > 0 for report in compiled.specialisations)
    assert [("doubled" in r.message, "float64[" in r.message) for r in caplog.records] == [(True, True)] * 2
    with pytest.warns(RuntimeWarning, match="least recently used is dropped"), interpreted():
        compiled(np.ones((3, 3)))
    assert [report.shapes for report in compiled.specialisations] == ["float64[1, 3]", "float64[3, 3]"]


def test_a_loss_picks_its_classes_inside_the_loop(compiled_step):
    """One pass over the logits does the softmax, the loss, its gradient and the biases': no array is made for them."""
    text = compiled_step.source(*network())
    comments = [line for line in text.splitlines() if "),  # " in line and "position" in line]
    assert len(comments) == 1
    assert all(kind in comments[0] for kind in ("max (7,)", "exp (7, 3)", "sum (7,)", "sum (3,)"))
    assert "# place" not in text
    assert "# index" not in text


def test_what_is_of_the_right_kind_already_is_not_converted():
    x, mask = np.ones(3, np.float32), np.array([True, False, True])
    with interpreted():
        text = td.compile(lambda x, mask: ops.where(mask, x * x, x)).source(x, mask)
    assert re.findall(r"numpy\.(?:float|bool)\w*\(\w+\)", text) == []


def test_a_position_is_found_in_the_loop_that_compares_it():
    """Not in an earlier one of as many rows, which would need an array for it."""
    x, a, y = np.ones((7, 2)), np.ones((7, 3)), np.arange(7) % 3
    with interpreted():
        text = td.compile(lambda x, a, y: (ops.tanh(x), ops.softmax_nll(a, y))).source(x, a, y)
    comments = [line for line in text.splitlines() if "),  # " in line and "position" in line]
    assert len(comments) == 1
    assert "equal (7, 3)" in comments[0]
    assert "tanh (7, 2)" not in comments[0]


@pytest.mark.parametrize("kept", [True, False])
def test_a_traceback_shows_the_generated_line_and_names_its_file_where_there_is_one(kept, monkeypatch):
    if not kept:
        monkeypatch.setattr(cache, "folder", lambda: None)
    module, path = cache.load("def f():\n    raise ValueError('here')\n")
    assert (path is not None) == kept
    with pytest.raises(ValueError, match="here") as raised:
        module.f()
    last = traceback.extract_tb(raised.value.__traceback__)[-1]
    assert last.line == "raise ValueError('here')"
    assert last.filename == (str(path) if kept else f"<{module.__name__}>")


def test_a_torn_or_foreign_file_is_never_run(compiled_step):
    net, x, y = network()
    expected = compiled_step(net, x, y)
    text = compiled_step.source(net, x, y)
    path = compiled_step.specialisations[0].file
    for wrong in (text[: len(text) // 2], "raise SystemExit('foreign')"):
        path.write_text(wrong)
        close(td.compile(training_step)(net, x, y), expected)
        assert path.read_text() == text


PROGRAM = """
import numpy as np, tinygrad_dbn as td
from tinygrad_dbn import ops
compiled = td.compile(td.value_and_grad(lambda x: (ops.sigmoid(x) @ x.T).sum()))
value, gradient = compiled(np.arange(6.0).reshape(2, 3))
(known,) = compiled._known.values()
print(sum(known.module.run.stats.cache_hits.values()), float(value).hex(), gradient.tobytes().hex())
"""


def test_processes_share_the_cache(tmp_path):
    """Two that start together both succeed, whoever writes first; a third finds the machine code."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    run = lambda: subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    together = [run(), run()]
    found = [process.communicate() for process in together]
    assert all(process.returncode == 0 for process in together), found
    out, error = run().communicate()
    assert not error
    hits, *values = out.split()
    assert hits == "1"
    assert [line.split()[1:] for line, _ in found] == [values, values]
    assert len(list((tmp_path / "tinygrad_dbn").glob("*.py"))) == 1
    assert not list(tmp_path.rglob("*.tmp"))

"""Where a long sum runs, what it may cost, and what is left of it when it is stopped."""

import errno
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import numpy as np
import pytest

import tinygrad_dbn as td
from tests.kept import reseal
from tests.random_models import random_rbm, rows, stacked_dbn
from tinygrad_dbn import exact, files
from tinygrad_dbn.exact import budget
from tinygrad_dbn.exact.sums import batches, checkpoint, chunks, enumeration, float64, matrices, sizes

MODEL = "import sys, numpy as np, tinygrad_dbn as td; rng = np.random.default_rng(0); n = {n};"
MODEL += "rbm = td.RBM(rng.normal(0, 0.3, (n, n)), rng.normal(size=n), rng.normal(size=n));"


def model(n, seed=0):
    """The same in this process."""
    return random_rbm(n, n, 0.3, seed=seed)


class Counting:
    """An executor that runs everything at once, and counts."""

    def __init__(self):
        self.calls = 0

    def submit(self, f, *args):
        self.calls += 1
        future = Future()
        future.set_result(f(*args))
        return future


def test_same_bits_wherever_it_runs():
    rbm = model(22)
    alone = exact.log_partition(rbm)
    parts = chunks.ranges(1 << 7, enumeration.seconds_per_block(rbm.W, rbm.b))
    assert len(parts) >= 8
    in_order = [float64.sum_chunk(rbm.W, rbm.c, rbm.b, *part) for part in parts]
    assert chunks.run(float64.sum_chunk, (rbm.W, rbm.c, rbm.b), parts) == in_order
    counting = Counting()
    assert exact.log_partition(rbm, executor=counting) == alone
    assert counting.calls == len(parts)
    for workers in (1, 3):
        with ThreadPoolExecutor(workers) as pool:
            assert exact.log_partition(rbm, executor=pool) == alone
    X = np.ones((2, 22))
    with ThreadPoolExecutor(2) as pool:
        likelihood = exact.log_likelihood(rbm, X, executor=pool)
    np.testing.assert_array_equal(likelihood, exact.log_likelihood(rbm, X))


def until_it_breaks(compute, path):
    for _ in range(1000):
        compute()
        path.unlink()


def test_processes_one_of_them_killed(tmp_path):
    rbm, path = model(22), tmp_path / "z.json"
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        assert exact.log_partition(rbm, executor=pool) == exact.log_partition(rbm)
        os.kill(pool.submit(os.getpid).result(), signal.SIGKILL)
        with pytest.raises(BrokenProcessPool):
            until_it_breaks(lambda: exact.log_partition(rbm, executor=pool, checkpoint=path), path)
    assert exact.log_partition(rbm, checkpoint=path) == exact.log_partition(rbm)


def test_kill_9_loses_nothing_that_was_finished(tmp_path):
    path = tmp_path / "z.json"
    program = MODEL.format(n=22) + (
        "import os; from tinygrad_dbn.exact.sums import checkpoint as c; c.SECONDS = 0; add = c.Checkpoint.add\n"
        "def dying(self, *a):\n    add(self, *a)\n    if len(self.done) == 3: os.kill(os.getpid(), 9)\n"
        "c.Checkpoint.add = dying; td.exact.log_partition(rbm, checkpoint=sys.argv[1])"
    )
    assert subprocess.run([sys.executable, "-c", program, str(path)]).returncode == -signal.SIGKILL
    before = json.loads(path.read_text())["chunks"]
    assert len(before) == 3
    calls = Counting()
    rbm = model(22)
    assert exact.log_partition(rbm, checkpoint=path, executor=calls) == exact.log_partition(rbm)
    after = json.loads(path.read_text())["chunks"]
    assert calls.calls == len(after) - 3
    assert all(chunk in after for chunk in before)
    assert exact.log_partition(rbm, checkpoint=path) == exact.log_partition(rbm)  # nothing left to do


def test_ctrl_c_returns_at_once_and_leaves_a_checkpoint(tmp_path):
    path = tmp_path / "z.json"
    program = MODEL.format(n=36) + (
        "print('ready', flush=True)\n"
        "try: td.exact.log_partition(rbm, checkpoint=sys.argv[1], max_seconds=1e9)\n"
        "except KeyboardInterrupt: print('interrupted', flush=True)"
    )
    child = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "ready\n"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (path.exists() and json.loads(path.read_text())["chunks"]):
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    start = time.monotonic()
    assert child.stdout.readline() == "interrupted\n"
    assert time.monotonic() - start < 1
    assert child.wait(10) == 0
    assert json.loads(path.read_text())["chunks"]


def test_a_checkpoint_belongs_to_one_model(tmp_path):
    path = tmp_path / "z.json"
    exact.log_partition(model(16), checkpoint=path)
    for other in range(6):
        with pytest.raises(ValueError, match="belongs to another model"):
            exact.log_partition(model(16, seed=other + 1), checkpoint=path)
    path.write_text(path.read_text()[:-20])
    with pytest.raises(ValueError, match="carries no checksum"):
        exact.log_partition(model(16), checkpoint=path)
    with pytest.raises(OSError, match="cannot write"):
        exact.log_partition(model(16), checkpoint=tmp_path / "nowhere" / "z.json")


ONE = float(1).hex()
NO_CHUNKS = {
    "a value that is no number": [0, 1, "nan", ONE],
    "a negative sum": [0, 1, "-0x1p+0", ONE],
    "a sum of nothing": [0, 1, "0x0p+0", ONE],
    "beyond a double": [0, 1, "0x1p99999", ONE],
    "an infinite exponent": [0, 1, ONE, "inf"],
    "half an exponent": [0, 1, ONE, "0x1p-1"],
    "a short chunk": [0, 1, ONE],
    "a long chunk": [0, 1, ONE, ONE, ONE],
    "an empty chunk": [],
    "another range": [0, 3, ONE, ONE],
    "numbers for text": [0, 1, 1, 1],
    "no numbers": [0, 1, "one", ONE],
}


@pytest.mark.parametrize("chunk", NO_CHUNKS.values(), ids=NO_CHUNKS)
def test_a_chunk_that_no_sum_comes_to_is_refused_though_its_checksum_is_right(tmp_path, chunk):
    path, rbm = tmp_path / "z.json", model(18)
    exact.log_partition(rbm, checkpoint=path)
    whole = path.read_bytes()
    first = json.loads(whole)["chunks"][0]
    chunk = [*first[:2], *chunk[2:]] if chunk[:2] == [0, 1] else chunk
    reseal(path, lambda content: content["chunks"].__setitem__(0, chunk))
    with pytest.raises(ValueError, match=r"z\.json.*; give another path, or delete the file"):
        exact.log_partition(rbm, checkpoint=path)
    path.write_bytes(whole)
    reseal(path, lambda content: content["chunks"].append(first))
    with pytest.raises(ValueError, match="is no chunk of this sum"):
        exact.log_partition(rbm, checkpoint=path)


def test_a_disk_that_is_full_half_way_does_not_end_the_sum(tmp_path, monkeypatch):
    rbm, path, left = model(22), tmp_path / "z.json", [2]
    write = files.write_atomically

    def filling(*arguments):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, f"cannot write {path}: No space left on device")
        write(*arguments)

    monkeypatch.setattr(files, "write_atomically", filling)
    monkeypatch.setattr(checkpoint, "SECONDS", 0)
    with pytest.warns(UserWarning, match=r"cannot write .*z\.json: No space left on device; the sum goes on") as said:
        value = exact.log_partition(rbm, checkpoint=path, executor=Counting())
    assert [warning.filename for warning in said] == [__file__]
    assert left[0] < -5
    assert value == exact.log_partition(rbm)
    monkeypatch.undo()
    assert len(json.loads(path.read_text())["chunks"]) == 1
    assert exact.log_partition(rbm, checkpoint=path) == value


def test_a_checkpoint_belongs_to_the_function_that_is_summed(tmp_path):
    X, first = np.ones((600, 3)), tmp_path / "z.json"
    parts = [(0, 1), (1, 2)]
    asked = (X,), parts, lambda part, found: True
    checkpoint.Checkpoint(first, float64.sum_chunk, *asked)
    with pytest.raises(ValueError, match="belongs to another model"):
        checkpoint.Checkpoint(first, matrices.mixture_chunk, *asked)
    with pytest.raises(ValueError, match="belongs to another model"):
        checkpoint.Checkpoint(first, float64.sum_chunk, (X.astype(np.int64),), *asked[1:])
    assert checkpoint.Checkpoint(first, float64.sum_chunk, *asked).done == {}


def test_cost_is_known_before_it_is_spent():
    start = time.monotonic()
    with pytest.raises(exact.TooLarge, match=r"2\^60 states, about .* years.*annealed.*max_seconds="):
        exact.log_partition(model(60))
    with pytest.raises(exact.TooLarge, match="max_bytes="):
        exact.log_partition(model(20), max_bytes=1e4)
    deep = td.DBN.from_rbms(
        [td.RBM.init(4, 30, np.random.default_rng(0)), td.RBM.init(30, 2, np.random.default_rng(0))]
    )
    with pytest.raises(exact.TooLarge, match="bytes"):
        exact.log_likelihood(deep, np.ones((1, 4)), max_seconds=1e9)
    with pytest.raises(exact.TooLarge, match=r"budget is 0\.001 seconds"):
        exact.log_likelihood(model(24), np.ones((1, 24)), max_seconds=1e-3)
    assert time.monotonic() - start < 5


def test_chunks_cover_every_block_once():
    for blocks in (1, 2, 8, 1 << 12, 1 << 20):
        for seconds in (1e-7, 1e-4, 1e-2, 10.0):
            parts = chunks.ranges(blocks, seconds)
            assert [first for first, _ in parts] + [blocks] == [0] + [last for _, last in parts]
            longest = max(last - first for first, last in parts)
            assert longest == 1 or longest * seconds <= 1.0 or len(parts) == chunks.MOST
            assert len(parts) <= chunks.MOST
    assert budget.cores() >= 1


# ---- The layers of a DBN ---------------------------------------------------------------------------------------------


def deep_model(seed=0):
    return stacked_dbn(12, 11, 6, 4, seed=seed), rows(12, 1100)


@pytest.fixture
def in_chunks(monkeypatch):
    """Layers in chunks of 512, where they would be a single one."""
    monkeypatch.setattr(matrices, "ranges", lambda hidden, T, _: [(i, min(i + 512, T)) for i in range(0, T, 512)])


@pytest.mark.parametrize("pool", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_layers_have_the_same_bits_on_any_executor(in_chunks, pool):
    dbn, X = deep_model()
    alone, error = exact.log_likelihood(dbn, X, with_error=True)
    with pool(2) as executor:
        values, errors = exact.log_likelihood(dbn, X, executor=executor, with_error=True)
    np.testing.assert_array_equal(values, alone)
    np.testing.assert_array_equal(errors, error)


def test_layers_go_on_from_their_checkpoints(in_chunks, tmp_path, monkeypatch):
    dbn, X = deep_model()
    alone, path = exact.log_likelihood(dbn, X), tmp_path / "p.json"
    honest, left = matrices.mixture_chunk, [3]  # the layer has four chunks, the examples three

    def breaks(*arguments):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return honest(*arguments)

    monkeypatch.setattr(matrices, "mixture_chunk", breaks)
    with ThreadPoolExecutor(1) as one:
        for _ in range(2):
            left[0] = 3
            with pytest.raises(KeyboardInterrupt):
                exact.log_likelihood(dbn, X, executor=one, checkpoint=path)
        left[0] = 3
        np.testing.assert_array_equal(exact.log_likelihood(dbn, X, executor=one, checkpoint=path), alone)
    assert left[0] >= 0
    other, _ = deep_model(1)
    with pytest.raises(ValueError, match="belongs to another model"):
        exact.log_likelihood(other, X, checkpoint=path)
    with pytest.raises(ValueError, match=r"p\.json\.x belongs to another model"):
        exact.log_likelihood(dbn, 1 - X, checkpoint=path)


def test_a_batch_has_more_states_than_examples():
    assert batches.at_a_time(None) == sizes.STATES > batches.at_a_time(np.zeros((1, 2))) == sizes.ROWS


def test_chunks_of_layers_are_whole_batches_of_about_a_second():
    for hidden in (4, 16, 20, 24):
        parts = matrices.ranges(hidden, 1 << 16, sizes.ROWS)
        assert [last for _, last in parts[:-1]] == [first for first, _ in parts[1:]]
        assert all(first % sizes.ROWS == 0 for first, _ in parts)
        seconds = (parts[0][1] - parts[0][0]) * 2.0**hidden * 2e-10
        assert seconds > 0.5 or len(parts) == 1

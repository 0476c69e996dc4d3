"""An op of one's own: its row is all that it takes to differentiate, compile, explain and prove it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from compiling import interpreted

import tinygrad_dbn as td
from tinygrad_dbn import ops
from tinygrad_dbn.autodiff.compile import CompileError
from tinygrad_dbn.autodiff.compile.movement import Movement

ROOT = Path(__file__).parents[1]


@pytest.fixture
def reverse():
    """A row of an op that moves elements, in the table for as long as a test runs."""

    @ops.row(of="arrays", vjps=(lambda g, y, x: reverse(g),), jvps="linear", ulp=0, examples=[ops.example((3,))])
    def reverse(x):
        """The elements of the first axis in the opposite order."""
        return x[::-1]

    yield reverse
    del ops.TABLE["reverse"]


def test_an_op_that_moves_elements_takes_its_row_and_one_method_of_compile(reverse, monkeypatch):
    x = np.array([1.0, 2.0, 3.0])
    loss = lambda x: (reverse(x) * x * x).sum()
    td.check_grads(loss, [x])
    assert str(td.symbolic.express(lambda x: reverse(x), (2,))) == "[x_1 x_0]"
    gradient = td.grad(loss)
    with pytest.raises(CompileError, match=r"no rule says how to compile the op 'reverse'\n  in .*test_own_op.py"):
        td.compile(gradient)(x)

    def write_reverse(self, n):
        with self.loops(n.shape, "j"):
            value = self.element(n.inputs[0], [f"{n.shape[0] - 1} - j0"])[0]
            self.line(f"{self.array(n)}[j0] = {value}")

    monkeypatch.setattr(Movement, "write_reverse", write_reverse, raising=False)
    with interpreted():
        np.testing.assert_allclose(td.compile(gradient)(x), gradient(x), rtol=1e-15)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["-m", "tinygrad_dbn.cli", "explain", "your_own_op:silu"], "x/(1 + exp(-x))"),
        (
            ["-m", "tinygrad_dbn.cli", "explain", "your_own_op:silu", "--graph"],
            "v̄1 · (sigmoid(x) + x · sigmoid_slope(x))",
        ),
        (["-m", "tinygrad_dbn.cli", "explain", "--all"], "v̄1 · sigmoid_slope(x)"),
        (["your_own_op.py"], "a compiled step"),
    ],
)
def test_the_example_is_explained_and_runs(command, said):
    done = subprocess.run([sys.executable, *command], cwd=ROOT / "examples", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert said in done.stdout


def test_the_example_is_proved():
    select = ["-k", "silu and holds", "-n", "0", "-q", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", "proofs/engine", "--ops", "examples/your_own_op.py", *select]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "every vjp is the transpose of the meaning's derivative" in done.stdout

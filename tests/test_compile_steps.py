"""What `td.compile` makes one step of, and how many: long programs, deep networks, many arrays."""

import re
from itertools import pairwise

import numpy as np
import pytest
from compiling import close, interpreted, kept_apart, network, training_step  # noqa: F401 – a fixture

import tinygrad_dbn as td
from tinygrad_dbn import ops


@pytest.mark.parametrize("hidden", [3, 9])
def test_layers_of_one_size_are_compiled_once(hidden):
    """What comes once, at either end, and what is done for each layer between: steps do not grow with the depth."""
    sizes = (6, *[5] * hidden, 3)
    net, x, y = network(sizes)
    with interpreted():
        compiled = td.compile(training_step)
        close(compiled(net, x, y), training_step(net, x, y))
    text = compiled.source(net, x, y)
    assert text.count("@step") == 12
    assert text.count("),  # ") == 27 + 7 * (hidden - 3)


def chain(x):
    for _ in range(600):
        x = ops.tanh(x) * 1.5 + ops.exp(-x) / 4
    return (x**2).sum()


def test_a_long_chain_is_cut_into_a_few_steps():
    x = np.array([0.1, 0.2])
    with interpreted():
        run = td.compile(td.value_and_grad(chain))
        close(run(x), td.value_and_grad(chain)(x), scale=1e5)
        text = run.source(x)
    assert max(text.count("\n", *span) for span in steps_of(text)) < 300
    assert text.count("@step") < 30 < text.count("),  # ")


def test_constants_that_differ_alone_make_no_steps_of_their_own():
    def f(x, y):
        for i in range(1, 500):
            x = ops.tanh(x) * (1 + i / 1000) + y / i
        return x

    x, y = np.array([0.1, 0.2]), np.array([0.3, 0.4], np.float32)
    with interpreted():
        close(td.compile(f)(x, y), f(x, y), scale=1e3)
        close(td.compile(f)(y, y), f(y, y), np.float32, scale=1e3)
        assert td.compile(f).source(x, y).count("@step") < 10


def steps_of(text):
    """Where each step starts and ends."""
    starts = [m.start() for m in re.finditer("@step", text)]
    return pairwise([*starts, text.index("# The arrays by number")])


def test_a_long_chain_of_views():
    def turned(x):
        for _ in range(3000):
            x = ops.transpose(x, axes=(1, 0))[::-1]
        return x * 1

    x = np.arange(9.0).reshape(3, 3)
    with interpreted():
        np.testing.assert_array_equal(td.compile(turned)(x), x)


def test_more_arrays_than_one_function_takes():
    """41 arrays and floats, one array of positions, 25 results; the same array may be given twice."""
    f = lambda xs, rates, i: [x * r + xs[0][i] for x, r in zip(xs, rates, strict=True)]
    xs, rates = [np.full(3, float(k)) for k in range(25)], [0.5 * k for k in range(25)]
    xs[3] = xs[2]
    compiled, i = td.compile(f), np.array([2, 0, 1])
    for _ in range(2):
        close(compiled(xs, rates, i), f(xs, rates, i))
        xs[7] = xs[8] = xs[2]
    with pytest.raises(IndexError, match=r"index: .*length 3\n  in .*test_compile_steps.py:\d+"):
        compiled(xs, rates, np.array([2, 0, 3]))
    close(compiled(xs, rates, i), f(xs, rates, i))
    assert compiled([x[:2] for x in xs], rates, np.array([1, 0]))[0].shape == (2,)

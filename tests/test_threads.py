"""The same bits for any number of threads."""

import pytest

from tests.running import THREADS, python
from tinygrad_dbn.autodiff.kernels import blas

PROGRAMS = {
    "exact sums": """
        rbm, X = random_rbm(40, 12, 1.0), rows(40, 700)
        audit = td.exact.audit(td.DBN.from_tied(rbm), X)
        show(audit.log_likelihood, audit.bound, audit.kl, td.exact.posterior(rbm, X[:9]), td.exact.bound(rbm, X))
        show(td.exact.log_likelihood(rbm, X), td.exact.log_likelihood(td.DBN.from_tied(rbm), X))
    """,
    "descent": """
        rng = np.random.default_rng(0)
        X, y = rng.random((160, 300)), rng.integers(0, 10, 160)
        net = td.FeedForward.init((300, 200, 10), rng)
        with td.learning.uncompiled():
            show(td.learning.fit(net, (X, y), epochs=1, batch=80).model.weights[0])
            with td.learning.threads(2):
                show(td.learning.fit(net, (X, y), epochs=1, batch=80).model.weights[0])
    """,
    "learning": """
        X = rows(40, 300)
        for rule in ("cd", "ml"):
            model = td.learning.greedy_dbn(X, (40, 11, 40), seed=0, epochs=2, rule=rule, batch=150)
            show(model.layers[0].W, model.top.W)
    """,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_same_bits_for_any_number_of_threads(name):
    program = (
        "import textwrap, numpy as np, tinygrad_dbn as td\n"
        "from hashlib import sha256\n"
        "from tests.random_models import random_rbm, rows\n"
        "show = lambda *arrays: print([sha256(np.ascontiguousarray(a).tobytes()).hexdigest() for a in arrays])\n"
        f"exec(textwrap.dedent({PROGRAMS[name]!r}))"
    )
    outputs = {python(program, **dict.fromkeys(THREADS, threads)) for threads in ("1", "2", "4")}
    assert len(outputs) == 1
    assert len(outputs.pop()) > 100


def test_blas_comes_without_the_rest_of_scipys_linear_algebra_which_may_come_later():
    program = """
        import sys, numpy as np, tinygrad_dbn as td
        product = td.compile(lambda a, b: td.ops.matmul(a, b))
        a = np.arange(6.0).reshape(2, 3)
        assert (product(a, a.T) == a @ a.T).all()
        print("scipy.linalg" in sys.modules)
        from scipy.linalg import cython_blas, eigvalsh
        print(eigvalsh(np.diag([2.0, 1.0])), cython_blas is sys.modules["scipy.linalg.cython_blas"])
    """
    assert python(program) == "False\n[1. 2.] True\n"


def test_a_number_of_threads_is_at_least_one():
    with blas.threads(1):
        assert blas._COUNT.get() == 1
    with pytest.raises(ValueError, match=r"threads\(0\)"), blas.threads(0):
        pass


def test_blas_gets_its_threads_back_from_the_last_one_out():
    numbers = lambda: [lib["num_threads"] for lib in blas._controller().info() if lib["user_api"] == "blas"]
    with blas._controller().limit(limits=2, user_api="blas"):
        before = numbers()
        with blas.one_thread():
            with blas.one_thread():
                assert set(numbers()) == {1}
            assert set(numbers()) == {1}
        assert numbers() == before
        with blas.fixed_threads():
            assert set(numbers()) == {1}
        assert numbers() == before

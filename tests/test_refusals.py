"""Bad input: each error names the op, the shapes and the caller's line, and says what to write instead."""

import numpy as np
import pytest

import tinygrad_dbn as td
from tinygrad_dbn import ops
from tinygrad_dbn.autodiff.kernels.scalar import kernel_version

HERE = r"(.|\n)*\n  in .*test_refusals\.py:\d+"


def test_unsupported_dtypes():
    for bad in (np.ones(2, complex), np.ones(2, np.float16), np.array(["a"])):
        with pytest.raises(TypeError, match=r"exp\(\(\d,\) .*not supported: convert to float32 or float64" + HERE):
            ops.exp(bad)
        with pytest.raises(TypeError, match="cannot differentiate.*astype" + HERE):
            td.grad(lambda x: ops.sum(x))(bad)


def test_integers_are_not_differentiated():
    with pytest.raises(TypeError, match=r"int64 of shape \(3,\); pass floats, x.astype\(float\)" + HERE):
        td.grad(lambda x: x.sum())(np.arange(3))
    with pytest.raises(TypeError, match=r"write 3\.0 for 3"):
        td.grad(lambda x: x * x)(3)


@pytest.mark.parametrize("at", [5, -4, (0, 1), np.array([0, 7])])
def test_indices_out_of_range(at):
    with pytest.raises(IndexError, match=r"index\(\(3,\) float64\): .*ind" + HERE):
        td.grad(lambda x: ops.sum(x[at]))(np.ones(3))


def test_a_loss_is_a_number():
    with pytest.raises(TypeError, match=r"returned shape \(2,\); take .sum\(\) or .mean\(\)" + HERE):
        td.grad(lambda x: x * x)(np.ones(2))
    with pytest.raises(ValueError, match=r"shape \(2,\): take .sum\(\)" + HERE):
        (td.Tensor([1.0, 2.0]) * 2).backward()
    with pytest.raises(TypeError, match="a comparison.*ops.where" + HERE):
        td.grad(lambda x: ops.greater(x, 0.0))(1.0)


def test_saved_arrays_are_not_written():
    x = td.Tensor([1.0, 2.0])
    with pytest.raises(TypeError, match=r"not written in place.*ops.where" + HERE):
        x[0] = 3.0
    with pytest.raises(ValueError, match="read-only"):
        ops.exp(x).value[0] = 3.0
    mine = np.array([1.0, 2.0])
    _, pullback = td.vjp(ops.square, mine)
    mine[:] = 100.0  # too late to matter
    np.testing.assert_array_equal(pullback(np.ones(2))[0], [2, 4])


@pytest.fixture
def table():
    """The op table, which is put back as it was after a test that adds to it."""
    before = dict(ops.TABLE)
    yield ops.TABLE
    ops.TABLE.clear()
    ops.TABLE.update(before)


def test_a_missing_rule_is_not_a_zero(table):
    @ops.row(1, meaning=lambda x, y: x + y, ulp=0.5)
    def unfinished(x, y):
        """x + y, with a rule for x alone"""
        return x + y

    with pytest.raises(TypeError, match=r"unfinished.*takes 1 arrays, 2 were given" + HERE):
        td.grad(lambda x: unfinished(2.0, x))(1.0)


def test_an_incomplete_row_is_refused(table):
    def half(x):
        """x / 2"""
        return x / 2

    with pytest.raises(TypeError, match="partial derivatives and a meaning"):
        ops.row(lambda y, x: 0.5, ulp=0.5)
    with pytest.raises(TypeError, match="lines or arrays has vjps and jvps"):
        ops.row(of="arrays", meaning=half, ulp=0.5)
    with pytest.raises(TypeError, match="vjps and jvps"):  # it would be taken for linear
        ops.row(of="arrays", vjps=(half,), ulp=0)
    for ignored in ({"vjps": (half,)}, {"jvps": "linear"}, {"options": {"axis": half}}):
        with pytest.raises(TypeError, match="neither vjps, jvps nor options"):
            ops.row(lambda y, x: 0.5, meaning=half, ulp=0.5, **ignored)
    with pytest.raises(TypeError, match="promotes=False"):
        ops.row(lambda y, x: 0.5, meaning=half, promotes=False, ulp=0.5)
    with pytest.raises(TypeError, match="of='line' is none"):
        ops.row(of="line", vjps=(half,), jvps="linear", ulp=0)
    half.__doc__ = None
    with pytest.raises(ValueError, match="no docstring"):
        ops.row(lambda y, x: 0.5, meaning=half, ulp=0.5)(half)
    half.__name__ = "add"
    with pytest.raises(ValueError, match="already has an op named 'add'"):
        ops.row(lambda y, x: 0.5, meaning=half, ulp=0.5)(half)
    assert "half" not in table


LIMIT = 0.5


def inner(x):
    return x / 2


def kernels():
    """Functions that read what is outside of them, and the names of that."""
    captured = 0.5
    yield lambda x: x if x < LIMIT else 2 * x, "LIMIT"
    yield lambda x: inner(x) + np.exp(-abs(x)), "inner"
    yield lambda x: captured * x, "captured"
    yield lambda x: (lambda y: y * LIMIT + captured)(x), "LIMIT, captured"
    yield lambda x: td.pi * x, "td"


@pytest.mark.parametrize(("kernel", "names"), list(kernels()))
@pytest.mark.parametrize("of", ["scalars", "lines"])
def test_what_is_compiled_reads_nothing_that_could_change(kernel, names, of):
    """Machine code is kept: with another LIMIT it would compute with the old one."""
    lines = {"of": "lines", "vjps": (inner,), "jvps": "linear"}
    declare = ops.row(lambda y, x: 0.5, meaning=inner, ulp=1) if of == "scalars" else ops.row(**lines, ulp=1)
    kernel.__name__, kernel.__doc__ = "kernel", "a kernel"
    with pytest.raises(ValueError, match=f"op 'kernel' reads {names} from outside .* write numbers into the function"):
        declare(kernel)
    assert "kernel" not in ops.TABLE


@pytest.mark.parametrize(("of", "others"), [("scalars", "peak"), ("lines", "special")])
def test_a_compiled_function_reads_what_is_replaced_in_its_kind_alone(of, others):
    kernel = (lambda x: peak(x)) if of == "scalars" else (lambda x, y: special.erf(x))  # noqa: F821
    kernel.__name__, kernel.__doc__ = "kernel", "a kernel"
    lines = {"of": "lines", "vjps": (inner,), "jvps": "linear"}
    declare = ops.row(lambda y, x: 0.5, meaning=inner, ulp=1) if of == "scalars" else ops.row(**lines, ulp=1)
    with pytest.raises(ValueError, match=f"op 'kernel' reads {others} from outside"):
        declare(kernel)


@pytest.mark.parametrize(
    ("kernel", "why"),
    [
        (lambda x, slope=0.5: slope * x, "missing a required argument: 'slope'"),
        (lambda x: (x, x), "No conversion from UniTuple"),
        (lambda x: np.no_such_function(x), "no_such_function"),
    ],
)
def test_what_numba_cannot_compile_is_said_in_a_line(table, kernel, why):
    kernel.__name__, kernel.__doc__ = "kernel", "a kernel"
    op = ops.row(lambda y, x: 0.5, meaning=inner, ulp=1)(kernel)
    with pytest.raises(
        TypeError, match=rf"^kernel\(\(3,\) float64\): Numba cannot compile 'kernel': .*{why}.*" + HERE
    ) as said:
        op(np.ones(3))
    assert str(said.value).count("\n") == 1


def test_a_row_of_arrays_may_read_anything(table):
    @ops.row(of="arrays", vjps=(lambda g, y, x: g * LIMIT,), jvps="linear", ulp=0)
    def limited(x):
        """LIMIT x"""
        return LIMIT * x

    assert td.value_and_grad(limited)(2.0) == (1.0, 0.5)


def test_kernels_of_the_same_lines_share_their_machine_code():
    def made():
        return lambda x: (lambda y: y * 0.5)(x)

    assert kernel_version(made()) == kernel_version(made())
    assert kernel_version(made()) != kernel_version(lambda x: (lambda y: y * 0.25)(x))


# ---- The strict mode ------------------------------------------------------------------------------------------------


def test_strict_mode_refuses_promotion():
    a, b = np.ones((2, 3)), np.ones(3)
    assert ops.add(a, b).shape == (2, 3)
    with td.strict():
        with pytest.raises(ValueError, match=r"add\(\(2, 3\) float64, \(3,\) float64\).*x\[None, :\]" + HERE):
            ops.add(a, b)
        with pytest.raises(TypeError, match=r"multiply\(.*float32.*convert one" + HERE):
            td.grad(lambda x: (x * np.ones(3, np.float32)).sum())(b)
        assert ops.add(a, b[None, :]).shape == (2, 3)
        assert ops.add(a, 1.0).shape == (2, 3)
        assert td.grad(lambda x: (x * np.float64(2) + np.ones(3)).sum())(b).shape == (3,)
    assert ops.add(a, np.ones(3, np.float32)).dtype == np.float64


def test_strict_mode_leaves_the_models_alone():
    rng = np.random.default_rng(0)
    net = td.FeedForward.init((3, 4, 2), rng)
    with td.strict():
        gradient = td.grad(lambda net: net.nll(rng.normal(size=(5, 3)), np.array([0, 1, 0, 1, 1])).mean())(net)
    assert gradient.weights[0].shape == (4, 3)


ROWS, ROW = np.ones((2, 3)), np.ones(3)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("add", lambda: ops.add(ROWS, ROW)),
        ("greater", lambda: ops.greater(ROWS, ROW)),
        ("equal", lambda: ops.equal(ROWS, ROW)),
        ("where", lambda: ops.where(ROWS > 0, ROWS, ROW)),
    ],
)
def test_strict_mode_refuses_to_lend_an_axis(name, call):
    assert call().shape == (2, 3)
    with td.strict(), pytest.raises(ValueError, match=rf"{name}\(\(2, 3\) .*x\[None, :\]" + HERE):
        call()


WIDE, NARROW = np.ones((2, 2)), np.ones((2, 2), np.float32)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("multiply", lambda: ops.multiply(WIDE, NARROW)),
        ("greater_equal", lambda: ops.greater_equal(WIDE, NARROW)),
        ("where", lambda: ops.where(WIDE > 0, WIDE, NARROW)),
        ("matmul", lambda: ops.matmul(WIDE, NARROW)),
        ("concatenate", lambda: ops.concatenate([WIDE, NARROW])),
        ("stack", lambda: ops.stack([WIDE, NARROW])),
    ],
)
def test_strict_mode_refuses_to_mix_widths(name, call):
    call()  # elsewhere the wider one is taken
    with td.strict(), pytest.raises(TypeError, match=rf"{name}\(.*float32.*convert one.*astype" + HERE):
        call()


def test_strict_mode_lets_a_batch_of_matrices_meet_one():
    with td.strict():
        assert ops.matmul(np.ones((5, 2, 3)), np.ones((3, 4))).shape == (5, 2, 4)


# ---- NaN ------------------------------------------------------------------------------------------------------------


def test_a_nan_is_found_where_it_is_born():
    with td.nan_hunt():
        with pytest.raises(FloatingPointError, match=r"log\(\(2,\) float64\): a NaN is born here" + HERE):
            ops.sum(ops.exp(ops.log(np.array([1.0, -1.0]))))
        assert np.isnan(ops.exp(np.array([np.nan]))).all()  # it was put in
    assert np.isnan(ops.log(np.array([-1.0]))).all()


def test_a_nan_is_found_in_the_backward_pass():
    f = lambda y: ops.sum(ops.power(np.array([2.0, -2.0]), y))
    y = np.array([2.0, 2.0])
    assert np.isnan(td.grad(f)(y)[1])
    with td.nan_hunt(), pytest.raises(FloatingPointError, match=r"power\(.*backward pass.*input 1" + HERE) as caught:
        td.grad(f)(y)
    assert f":{f.__code__.co_firstlineno}" in str(caught.value)  # where the power was written, not where grad was


def test_a_nan_that_a_mask_drops_is_no_catch():
    x = np.array([0.0, 4.0])
    with td.nan_hunt():
        gradient = td.grad(lambda x: ops.sum(ops.where(ops.greater(x, 0), ops.sqrt(x), 0)))(x)
    np.testing.assert_array_equal(gradient, [0, 0.25])


def test_a_mode_is_on_alone():
    with td.nan_hunt():
        assert ops.add(np.ones((2, 3), np.float32), np.ones(3)).dtype == np.float64
    with td.strict():
        assert np.isnan(ops.log(np.array([-1.0]))).all()


# ---- What a function returns, and which of its arguments are meant --------------------------------------------------


@pytest.mark.parametrize(
    ("f", "words"),
    [
        (lambda x: None, r"returned None \(a `return` is missing\?\).*one float"),
        (lambda x: (x, 1.0), r"returned a tuple of 2, a loss is one float.*has_aux=True"),
        (lambda x: [x], r"returned a list of 1.*one float"),
        (lambda x: {"loss": x}, r"returned a dict.*one float"),
        (lambda x: 4, r"returned 4 \(int\).*one float"),
        (lambda x: "4", r"returned '4' \(str\)"),
        (lambda x: 1j, r"returned a complex"),
    ],
)
def test_a_loss_is_one_float(f, words):
    for transform in (td.grad, td.value_and_grad, lambda f: td.compile(td.grad(f))):
        with pytest.raises(TypeError, match=rf"grad: the function {words}" + HERE):
            transform(f)(1.0)


@pytest.mark.parametrize("result", [None, 4, "x", (), (None, 4)])
def test_a_result_has_floats(result):
    for name, transform in (
        ("vjp", lambda f: td.vjp(f, 1.0)),
        ("jvp", lambda f: td.jvp(f, (1.0,), (1.0,))),
    ):
        with pytest.raises(TypeError, match=rf"{name}: the function returned .*no floats.*3\.0 for 3" + HERE):
            transform(lambda x: result)


@pytest.mark.parametrize("result", [1.0, None, (1.0,), (1.0, 2.0, 3.0), "ab"])
def test_has_aux_wants_a_pair(result):
    with pytest.raises(TypeError, match=r"has_aux the function returns \(loss, aux\), this one returned.*leave" + HERE):
        td.value_and_grad(lambda x: result, has_aux=True)(1.0)


def test_argnums_are_positions():
    f = lambda x, y: x * y
    for argnums in (2, -3, (0, 2), (5,)):
        with pytest.raises(ValueError, match=r"argnums \(.*2 positional arguments.*keyword are constants" + HERE):
            td.grad(f, argnums)(1.0, 2.0)
    for argnums in ((0, 0), (1, -1)):
        with pytest.raises(ValueError, match="name an argument twice" + HERE):
            td.grad(f, argnums)(1.0, 2.0)
    assert td.grad(f, -1)(1.0, 2.0) == 1
    assert td.grad(f, np.int64(1))(1.0, 2.0) == 1
    assert td.grad(f, [1, 0])(1.0, 2.0) == (1, 2)


def test_a_batch_has_rows():
    net = td.FeedForward.init((3, 4, 2), np.random.default_rng(0))
    with pytest.raises(
        ValueError, match=r"logits of shape \(2,\); a batch has \(T, C\).*x\[None, :\] and \[y\]" + HERE
    ):
        net.nll(np.ones(3), [1])
    assert net.nll(np.ones((1, 3)), [1]).shape == (1,)


def test_arrays_to_be_joined_are_one_list():
    a, b = np.ones(2), np.ones(2)
    for name, join in (("concatenate", ops.concatenate), ("stack", ops.stack)):
        for other in (b, 1.0, [b], td.Tensor(b), td.Tensor(1.0)):
            with pytest.raises(TypeError, match=rf"{name}: axis is .*write ops\.{name}\(\[a, b\]\)" + HERE):
                join(a, other)


@pytest.mark.parametrize("f", [ops.exp, ops.sum, lambda x: ops.add(x, 1.0), lambda x: ops.add(np.ones(1), x)])
def test_a_tensor_inside_an_array_of_objects_is_refused_where_it_is_the_only_one(f):
    hidden = np.empty(1, object)
    hidden[0] = td.Tensor(2.0)
    with pytest.raises(TypeError, match="an array of objects"):
        f(hidden)

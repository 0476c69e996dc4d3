"""Sums of products, products and running sums: against NumPy's and SciPy's, at zeros, and through every transform."""

import numpy as np
import pytest
from compiling import interpreted, kept_apart  # noqa: F401 – a fixture
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import correlate2d

import tinygrad_dbn as td
from tinygrad_dbn import ops

RNG = np.random.default_rng(0)
LENGTHS = dict(zip("ijklt", (2, 3, 4, 2, 3), strict=True))


def through_every_transform(f, *args):
    """f has its derivatives, maps over examples, and is compiled."""
    td.check_grads(lambda *x: f(*x) ** 2, args)
    many = [np.stack([x, 2 * x, -x]) for x in args]
    one_by_one = np.stack([f(*(x[t] for x in many)) for t in range(3)])
    np.testing.assert_allclose(td.vmap(f)(*many), one_by_one, rtol=1e-12, atol=1e-13)
    slopes = td.grad(lambda *x: (f(*x) ** 2).sum(), tuple(range(len(args))))
    with interpreted():
        for found, wanted in zip(td.compile(slopes)(*args), slopes(*args), strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-11, atol=1e-12)
    single = [x.astype(np.float32) for x in args]
    assert f(*single).dtype == np.float32
    np.testing.assert_allclose(f(*single), f(*args), rtol=1e-4, atol=1e-5)


# ---- einsum ---------------------------------------------------------------------------------------------------------

LETTERS = [
    "ij,jk->ik", "ij,jk", "ij,jk->", "i,i", "i,j->ij", "ij->ji", "ij->j", "ij->", "ii", "iij->ji", "iii->i",
    "tij,tjk->tik", "ij,ij->ij", "ij,jk,kl->il", "ij,ik,il->jkl", "ij,kt->ijkt", "i,i,i->i", "ij,j,i->", "iil,l->i",
    "ijk,kji->j", "ba,cb", " i j , j -> i ",
]  # fmt: skip
LETTERS_OF_SHAPES = {
    "...i,...i->...": [(2, 1, 3), (5, 3)],
    "...i,i": [(2, 3), (3,)],
    "...": [(2, 3)],
    "i...->...": [(2, 3, 4)],
    "...ij,...jk": [(2, 2, 3), (3, 4)],
    "...ii->...i": [(4, 3, 3)],
    "ij,jk->ik": [(1, 3), (3, 2)],
    "i,i->i": [(1,), (3,)],
    "ij,j->i": [(2, 0), (0,)],
}
CASES = [(s, [tuple(LENGTHS.get(c, 3) for c in p) for p in s.replace(" ", "").split("->")[0].split(",")])
         for s in LETTERS] + [*LETTERS_OF_SHAPES.items()]  # fmt: skip


@pytest.mark.parametrize(("letters", "shapes"), CASES, ids=lambda case: case if isinstance(case, str) else "")
def test_einsum_is_numpys(letters, shapes):
    args = [RNG.normal(size=shape) for shape in shapes]
    wanted = np.einsum(letters, *args)
    np.testing.assert_allclose(ops.einsum(letters, *args), wanted, rtol=1e-12, atol=1e-13)
    found, pullback = td.vjp(lambda *x: np.einsum(letters, *x), *args)
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-13)
    for x, g in zip(args, pullback(np.ones_like(found)), strict=True):
        assert x.shape == g.shape


@pytest.mark.parametrize("letters", ["ij,jk->ik", "iij->ji", "ij,ik,il->jkl", "tij,tjk->tik", "ij,ij->ij"])
def test_einsum_goes_through_every_transform(letters):
    args = [RNG.normal(size=[LENGTHS[c] for c in part]) for part in letters.split("->")[0].split(",")]
    through_every_transform(lambda *x: ops.einsum(letters, *x), *args)


@pytest.mark.parametrize(
    ("letters", "shapes", "said"),
    [
        ("ij,jk", [(2, 3)], "letters for 2 arrays, 1 are given"),
        ("ij", [(3,)], "'ij' of an array of 1 axes"),
        ("i", [(3, 2)], "'i' of an array of 2 axes"),
        ("i->ii", [(3,)], "each letter once"),
        ("i->j", [(3,)], "of those before the arrow"),
        ("i,i", [(2,), (3,)], r"'i', for axes of lengths \[2, 3\]"),
        ("i1", [(2, 2)], "something else than letters"),
        ("i->j->k", [(2,)], "something else than letters"),
        ("......", [(2,)], "something else than letters"),
        ("i...->i", [(2, 2)], r"sums over \.\.\."),
    ],
)
def test_letters_that_do_not_fit_are_refused(letters, shapes, said):
    with pytest.raises(ValueError, match=rf"einsum: (.|\n)*{said}(.|\n)*test_products\.py"):
        ops.einsum(letters, *(np.ones(shape) for shape in shapes))
    with pytest.raises(TypeError, match="as one string"):
        ops.einsum(np.ones((2, 2)), [0, 1])


# ---- conv2d ---------------------------------------------------------------------------------------------------------


@given(st.tuples(st.integers(1, 3), st.integers(1, 3)), st.tuples(st.integers(0, 2), st.integers(0, 2)),
       st.tuples(st.integers(1, 3), st.integers(1, 3)), st.integers(0, 9))  # fmt: skip
def test_conv2d_is_a_correlation_at_every_stride(stride, padding, window, seed):
    rng = np.random.default_rng(seed)
    x, w = rng.normal(size=(2, 3, 5, 4)), rng.normal(size=(2, 3, *window))
    wide = np.pad(x, ((0, 0), (0, 0), *((n, n) for n in padding)))
    wanted = [[sum(map(lambda a, b: correlate2d(a, b, "valid"), picture, f)) for f in w] for picture in wide]
    found = ops.conv2d(x, w, stride, padding)
    np.testing.assert_allclose(found, np.array(wanted)[:, :, :: stride[0], :: stride[1]], rtol=1e-12, atol=1e-13)


def test_conv2d_goes_through_every_transform():
    x, w = RNG.normal(size=(1, 2, 4, 3)), RNG.normal(size=(2, 2, 2, 2))
    through_every_transform(lambda x, w: ops.conv2d(x, w, stride=(2, 1), padding=1), x, w)


@pytest.mark.parametrize(
    ("x", "w", "options", "said"),
    [
        ((3, 3), (1, 1, 2, 2), {}, r"pictures \(T, C, H, W\)"),
        ((1, 2, 3, 3), (1, 1, 2, 2), {}, "C channels each"),
        ((1, 1, 3, 3), (1, 1, 4, 2), {}, r"no window fits \(3, 3\)"),
        ((1, 1, 3, 3), (1, 1, 2, 2), {"stride": 0}, "stride=0; write a whole number from 1"),
        ((1, 1, 3, 3), (1, 1, 2, 2), {"padding": -1}, "padding=-1; write a whole number from 0"),
        ((1, 1, 3, 3), (1, 1, 2, 2), {"stride": (1, 2, 3)}, "or two in a tuple"),
    ],
)
def test_pictures_and_filters_that_do_not_fit_are_refused(x, w, options, said):
    with pytest.raises(ValueError, match=rf"conv2d: (.|\n)*{said}(.|\n)*test_products\.py"):
        ops.conv2d(np.ones(x), np.ones(w), **options)


# ---- Products and running sums --------------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 1), ()])
@pytest.mark.parametrize("shape", [(1,), (5,), (2, 3), (3, 7), (0, 2), (2, 0)])
def test_prod_is_numpys_on_every_shape(shape, axis):
    x = RNG.normal(size=shape)
    if axis == (0, 1) and len(shape) < 2:
        return
    for keepdims in (False, True):
        found = ops.prod(x, axis, keepdims=keepdims)
        np.testing.assert_allclose(found, np.prod(x, axis=axis, keepdims=keepdims), rtol=1e-14)
        assert found.shape == np.prod(x, axis=axis, keepdims=keepdims).shape


def test_the_derivative_of_a_product_is_that_of_the_others_also_at_zeros():
    for x in np.array([[2.0, 3.0, 5.0, 7.0], [2.0, 0.0, 5.0, 7.0], [0.0, 3.0, 0.0, 7.0], [0.0, 0.0, 0.0, 7.0]]):
        others = np.array([np.prod(np.delete(x, i)) for i in range(4)])
        np.testing.assert_array_equal(td.grad(ops.prod)(x), others)
        np.testing.assert_array_equal(td.jvp(ops.prod, (x,), (np.arange(4.0),))[1], others @ np.arange(4.0))
        twice = [[0 if i == j else np.prod(np.delete(x, [i, j])) for j in range(4)] for i in range(4)]
        np.testing.assert_array_equal(td.hessian(ops.prod)(x), twice)
    assert td.grad(ops.prod)(np.zeros((0,))).shape == (0,)
    np.testing.assert_array_equal(ops.prod(np.array([[np.inf, 2.0], [0.0, np.inf], [np.nan, 0.0]]), 1),
                                  [np.inf, np.nan, np.nan])  # fmt: skip


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_running_sums_are_numpys(axis):
    x = RNG.normal(size=(3, 4))
    np.testing.assert_array_equal(ops.cumsum(x, axis), np.cumsum(x, axis))
    np.testing.assert_array_equal(td.vjp(lambda x: np.cumsum(x, axis=axis), x)[0], np.cumsum(x, axis))
    g = RNG.normal(size=np.cumsum(x, axis).shape)
    (found,) = td.vjp(lambda x: ops.cumsum(x, axis), x)[1](g)
    turned = np.cumsum(np.flip(g, axis), axis)
    np.testing.assert_allclose(found, np.flip(turned, axis).reshape(x.shape), rtol=1e-13)


@pytest.mark.parametrize("f", [lambda x: ops.prod(x, 1), lambda x: ops.cumsum(x, 0), lambda x: x * ops.cumsum(x, 1)])
def test_products_and_running_sums_go_through_every_transform(f):
    through_every_transform(f, RNG.uniform(0.5, 1.5, (2, 3)))


def test_compiled_running_sums_keep_the_sign_of_a_zero():
    x = np.array([-0.0, -0.0, 0.0, 1.0])
    with interpreted():
        compiled = td.compile(lambda x: ops.cumsum(x, axis=0))(x)
    np.testing.assert_array_equal(np.signbit(compiled), np.signbit(np.cumsum(x)))

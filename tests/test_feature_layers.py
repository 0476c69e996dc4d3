"""Layers that give features alone: kernel PCA and convolution. And what all modules and layers take and refuse."""

import numpy as np
import pytest
from sklearn.decomposition import KernelPCA
from sklearn.metrics import mutual_info_score

from tests.comparing import same_bits
from tinygrad_dbn import learning
from tinygrad_dbn.autodiff.kernels import blas
from tinygrad_dbn.datasets.photographs import moving_patches, photographs
from tinygrad_dbn.learning.modules import arc_cosine, mutual_information
from tinygrad_dbn.learning.modules.protocol import LinearLayer, SigmoidLayer

# ---- Kernel PCA ------------------------------------------------------------------------------------------------------


def test_mutual_information_is_scikit_learns_of_the_same_bins():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 90)
    features = rng.normal(size=(90, 4)) + np.outer(y, [0, 1, 3, 0])
    bins = lambda column: np.searchsorted(np.sort(column)[18::18], column, side="right")  # five bins of 18
    expected = [mutual_info_score(bins(column), y) for column in features.T]
    np.testing.assert_allclose(mutual_information(features, y, bins=5), expected, atol=1e-12)
    assert mutual_information(features, y + 7, bins=5).argmax() == 2


def test_equal_values_tell_the_same_of_the_class_wherever_they_stand():
    y = np.repeat(np.arange(4), 25)
    np.testing.assert_allclose(mutual_information(np.zeros((100, 2)), y), 0, atol=1e-12)
    rng = np.random.default_rng(0)
    for often in (0.03, 0.5, 0.97):  # two values, in the rows' order that is the classes'
        column = (rng.random(100) < np.where(y == 2, 0.5, often)).astype(float)
        found = mutual_information(np.stack([column, -column], axis=1), y)
        np.testing.assert_allclose(found, mutual_info_score(column, y), atol=1e-12)


def test_components_of_nothing_are_not_kept():
    X = np.random.default_rng(0).normal(size=(3, 4))[np.arange(40) % 3]  # three points have two components
    for y in (np.repeat([0, 1], 20), np.arange(40) % 3):
        layer = learning.KernelPCAModule(labels=y, components=8).train(X, 2, seed=0)
        assert layer.encode(X).any(axis=0).all()


def test_the_components_kept_are_those_that_tell_most_of_the_class():
    """The class is in a direction of little variance: its component comes late, and first once labels are known."""
    rng = np.random.default_rng(0)
    y = np.arange(80) % 2
    X = rng.normal(size=(80, 6)) * [4, 3, 2, 0.1, 0.2, 0.1] + 1.2 * np.outer(2 * y - 1, np.eye(6)[4])
    known = y[:60]
    layer = learning.KernelPCAModule(labels=known, components=10).train(X, 3, seed=0)
    everything = KernelPCA(10, kernel="precomputed", eigen_solver="dense").fit_transform(arc_cosine(X, X))
    told = mutual_information(everything[:60], known)
    assert sorted(told[layer.chosen]) == pytest.approx(sorted(np.sort(told)[-3:]))
    np.testing.assert_allclose(layer.encode(X), everything[:, layer.chosen], atol=1e-6)
    assert told[layer.chosen[0]] == told.max()
    assert layer.chosen[0] >= 3  # not among the leading three
    leading = learning.KernelPCAModule().train(X, 3, seed=0)
    np.testing.assert_allclose(leading.encode(X), everything[:, :3], atol=1e-6)


def test_layers_of_kernel_machines_are_stacked_and_repeat():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 5)).astype(np.float32), np.arange(60) % 2
    module = learning.KernelPCAModule(labels=y, examples=30)
    stack, again, other = (learning.pretrain((6, 4), module, X, seed=seed) for seed in (0, 0, 1))
    first, second = stack.levels(X)
    assert (first.shape, second.shape, second.dtype) == ((60, 6), (60, 4), np.float32)
    assert same_bits(second, stack.encode(X))
    assert same_bits(second, again.encode(X))
    assert not same_bits(second, other.encode(X))
    assert len(stack.layers[0].examples) == 30
    with pytest.raises(TypeError, match="put a classifier on"):
        stack.network(2, 0)


def test_counts_and_labels_that_do_not_fit_are_refused():
    X = np.random.default_rng(0).normal(size=(20, 3))
    for wrong, message in [
        ({"examples": 21}, "do not fall"),
        ({"examples": 2}, "do not fall"),
        ({"labels": np.zeros(20, int), "components": 2}, "do not fall"),
        ({"labels": np.zeros(21, int)}, "one integer for each of the first rows"),
        ({"labels": np.zeros(20)}, "one integer for each of the first rows"),
        ({"labels": np.zeros(20, int), "components": 0}, "components=0: write a whole number from 1"),
        ({"components": 2.5}, r"components=2\.5: write a whole number from 1"),
        ({"examples": 0}, "examples=0: write a whole number from 1"),
    ]:
        with pytest.raises(ValueError, match=message):
            learning.KernelPCAModule(**wrong).train(X, 3, seed=0)


# ---- Convolution and stacking ----------------------------------------------------------------------------------------


class Sums:
    """A module whose features are known: k times the sum of what it sees, for k = 1 … hidden."""

    def train(self, X, hidden, seed):
        self.seen = X
        self.encode = lambda X: np.outer(X.sum(axis=1), np.arange(1, hidden + 1))
        return self


def test_a_convolved_module_sees_windows_and_is_applied_at_every_stride():
    rng = np.random.default_rng(0)
    for shape, window, stride in [
        ((5, 7), (2, 3), (1, 2)),
        ((3, 4, 4), (2, 2, 2), (1, 2, 2)),
        ((4, 4), (4, 4), (1, 1)),
    ]:
        X, module = rng.random((6, np.prod(shape))), Sums()
        layer = learning.Convolution(module, shape, window, stride, windows=50).train(X, 2, seed=0)
        assert module.seen.shape == (50, np.prod(window))
        pictures = X.reshape(-1, *shape)
        for x, found in zip(pictures, layer.encode(X), strict=True):
            places = [
                at for at in np.ndindex(shape)
                if all(a % s == 0 and a + w <= n for a, s, w, n in zip(at, stride, window, shape, strict=True))
            ]  # fmt: skip
            sums = [sum(x[tuple(np.add(at, d))] for d in np.ndindex(window)) for at in places]
            np.testing.assert_allclose(found, np.outer(sums, [1, 2]).ravel())
        everywhere = {
            tuple(np.round(x[tuple(slice(a, a + w) for a, w in zip(at, window, strict=True))].ravel(), 9))
            for x in pictures for at in np.ndindex(*np.subtract(shape, window) + 1)
        }  # fmt: skip
        assert {tuple(np.round(row, 9)) for row in module.seen} <= everywhere
        assert len({tuple(row) for row in module.seen}) > 1


def test_subspaces_are_stacked_with_pca_between():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 36)).astype(np.float32)
    lower = learning.Convolution(learning.SubspaceModule(steps=3), (6, 6), (4, 4), (2, 2), windows=400)
    modules = lower, learning.SubspaceModule(steps=3)
    stack = learning.pretrain((6, 5), modules, X, seed=0)
    first, second = stack.levels(X)
    assert (first.shape, second.shape, second.dtype) == ((300, 4 * 6), (300, 5), np.float32)
    W = stack.layers[1].W.astype(float)  # upon 24 numbers, of which ten principal components are left
    np.testing.assert_allclose(W @ np.cov(first, rowvar=False) @ W.T, np.eye(10), atol=1e-4)
    assert same_bits(second, learning.pretrain((6, 5), modules, X, seed=0).encode(X))
    with pytest.raises(TypeError, match="put a classifier on"):
        stack.network(2, 0)


def test_convolutions_that_do_not_fit_are_refused():
    for shape, window, stride, windows, says in [
        ((4, 4), (5, 4), (1, 1), 9, "windows that fit"), ((4, 4), (2,), (1, 1), 9, "windows that fit"),
        ((), (), (), 9, "windows that fit"), ((4, 4), (2, 2), (0, 1), 9, r"stride\[0\]=0: write a whole number from 1"),
        ((4, 4), (2, 2.5), (1, 1), 9, r"window\[1\]=2\.5: write"), ((4, 4), (2, 2), (1, 1), 0, "windows=0: write"),
        ((-4, 4), (2, 2), (1, 1), 9, r"shape\[0\]=-4: write"),
    ]:  # fmt: skip
        with pytest.raises(ValueError, match=says):
            learning.Convolution(Sums(), shape, window, stride, windows)
    with pytest.raises(ValueError, match=r"are \(T, 16\)"):
        learning.Convolution(Sums(), (4, 4), (2, 2), (1, 1)).train(np.zeros((3, 15)), 1, 0)


def test_moving_patches_are_windows_of_one_photograph_that_go_straight_on():
    found = moving_patches(5, 4, 6, np.random.default_rng(0))
    assert (found.shape, found.dtype) == ((5, 4, 6, 6), np.float32)
    assert same_bits(found, moving_patches(5, 4, 6, np.random.default_rng(0)))
    moved = []
    for patch in found:
        paths = []
        for picture in photographs():
            views = np.lib.stride_tricks.sliding_window_view(picture, (6, 6))
            places = [np.argwhere((views[..., 0, 0] == f[0, 0]) & (views == f).all(axis=(2, 3))) for f in patch]
            paths += [np.stack(places)[:, 0]] if all(len(p) == 1 for p in places) else []
        (path,) = paths
        steps = np.diff(path, axis=0)
        assert (np.hypot(*steps.T) <= 2 + np.sqrt(2)).all()  # both ends to the nearest pixel
        assert (np.ptp(steps, axis=0) <= 1).all()
        moved.append(tuple(path[-1] - path[0]))
    assert len(set(moved)) > 2
    for frames, fastest in ((0, 1.0), (2, -1.0)):
        with pytest.raises(ValueError, match="write 1 and 0 or more"):
            moving_patches(1, frames, 4, np.random.default_rng(0), fastest)


# ---- Threads ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "computed",
    [
        SigmoidLayer(np.ones((4, 3)), np.zeros(4), None).encode,
        LinearLayer(np.ones((4, 3)), np.zeros(4), None).encode,
        learning.KernelPCAModule().train(np.eye(3), 2, seed=0).encode,
        lambda X: learning.KernelPCAModule().train(X, 2, seed=0),
    ],
)
def test_features_are_computed_on_the_threads_that_were_said_and_not_on_the_machines(computed):
    """Else their last bits would be the machine's as well."""
    threads = []

    class Seen:
        def __array__(self, dtype=None, copy=None):
            threads.extend(lib["num_threads"] for lib in blas._controller().info() if lib["user_api"] == "blas")
            return np.eye(3, dtype=dtype)

    with blas._controller().limit(limits=2, user_api="blas"):
        computed(Seen())
        assert set(threads) == {1}
    threads.clear()
    with learning.threads(2):
        computed(Seen())
        assert set(threads) == {2}


# ---- What is learned from --------------------------------------------------------------------------------------------

MODULES = [
    learning.AutoencoderModule(epochs=1),
    learning.Convolution(learning.RBMModule(epochs=1), (5,), (3,), (1,), 9),
    learning.EmbeddingModule(epochs=1, neighbours=2),
    learning.GaussianCodeModule(epochs=1),
    learning.KernelPCAModule(),
    learning.RBMModule(epochs=1),
    learning.RBMModule(epochs=1, rule="ml"),
    learning.RBMModule(epochs=1, rule="pcd"),
    learning.SparseModule(epochs=1),
    learning.SubspaceModule(size=1, steps=2),
    learning.WordsModule(epochs=1),
]
every_module = pytest.mark.parametrize("module", MODULES, ids=lambda m: type(m).__name__ + getattr(m, "rule", ""))
BITS = np.random.default_rng(0).random((12, 5)) < 0.5
BITS[:, 0] |= ~BITS.any(axis=1)  # no document without words


@every_module
def test_integers_and_truth_values_are_learned_from_as_the_floats_they_stand_for(module):
    X = BITS
    wanted = module.train(X.astype(float), 2, seed=0).encode(X.astype(float))
    for given in (X, X.astype(int), X.astype(np.uint8)):
        assert same_bits(module.train(given, 2, seed=0).encode(given), wanted)


def with_one(value):
    X = BITS.astype(float)
    X[3, 2] = value
    return X


@every_module
@pytest.mark.parametrize(
    ("X", "says"),
    [
        (with_one(np.nan), r"X\[3, 2\] is nan"),
        (with_one(-np.inf), r"X\[3, 2\] is -inf"),
        (BITS[0], "one example per row; X has shape"),
        (BITS[:0], "X is an empty batch"),
        ([[1.0, 0.0], [1.0]], "X is no array"),
        (BITS.astype(str), "X holds <U5, not numbers"),
    ],
)
def test_every_module_refuses_what_is_no_matrix_of_numbers(module, X, says):
    with pytest.raises(ValueError, match=says):
        module.train(X, 2, seed=0)


@every_module
@pytest.mark.parametrize("hidden", [0, -1, 2.5, "2", True])
def test_every_module_refuses_a_number_of_features_that_is_none(module, hidden):
    with pytest.raises(ValueError, match=f"hidden={hidden!r}: write a whole number from 1 on"):
        module.train(BITS, hidden, seed=0)


@pytest.mark.parametrize(
    "module",
    [
        learning.AutoencoderModule(epochs=1),
        learning.GaussianCodeModule(epochs=1),
        learning.RBMModule(epochs=1),
        learning.RBMModule(epochs=1, rule="pcd"),
    ],
)
@pytest.mark.parametrize("value", [-0.5, 1.5])
def test_modules_for_numbers_between_0_and_1_refuse_others(module, value):
    with pytest.raises(ValueError, match=rf"X\[3, 2\] is {value}: a number from 0 to 1 is wanted"):
        module.train(with_one(value), 2, seed=0)
    learning.AutoencoderModule(epochs=1, error="squared").train(with_one(value), 2, seed=0)  # for any


@every_module
def test_every_layer_refuses_examples_of_another_width_and_knows_how_many_features_it_has(module):
    layer = module.train(BITS, 2, seed=0)
    assert layer.hidden == 2
    for X in (BITS[:, :1], BITS[:, :4], np.tile(BITS, 2), BITS[0]):
        with pytest.raises(ValueError, match="this layer was trained on 5 units"):
            layer.encode(X)


@pytest.mark.parametrize(
    ("module", "settings", "says"),
    [
        (learning.AutoencoderModule, {"error": "crossentropy"}, "write 'cross-entropy' or 'squared'"),
        (learning.AutoencoderModule, {"sparsity": (1.7, 1.0)}, r"write \(ρ, β\)"),
        (learning.AutoencoderModule, {"sparsity": (0.1, -1.0)}, r"write \(ρ, β\)"),
        (learning.AutoencoderModule, {"sparsity": (0.1, np.nan)}, r"write \(ρ, β\)"),
        (learning.EmbeddingModule, {"margin": -1}, "write a positive, finite margin"),
        (learning.EmbeddingModule, {"neighbours": 2.5}, r"neighbours=2\.5: write a whole number from 1"),
        (learning.SubspaceModule, {"steps": -1}, "steps=-1: write a whole number from 0"),
        (learning.SubspaceModule, {"size": 0}, "size=0: write a whole number from 1"),
        (learning.SubspaceModule, {"size": -1}, "size=-1: write a whole number from 1"),
        (learning.RBMModule, {"rule": "ml", "weight_decay": 0.1}, "takes no weight_decay, watch or compile"),
        (learning.RBMModule, {"rule": "pcd", "watch": print}, "takes no weight_decay, watch or compile"),
        (learning.RBMModule, {"rule": "pcd", "compile": False}, "takes no weight_decay, watch or compile"),
    ],
)
def test_settings_that_make_no_sense_are_refused(module, settings, says):
    with pytest.raises(ValueError, match=says):
        module(**settings)

"""Greedy modules, the stacks made of them, autoencoders deep and shallow, and CD as a loss."""

import dataclasses
import itertools

import numpy as np
import pytest

import tinygrad_dbn as td
from tests.comparing import assert_close, leaves, same_bits
from tinygrad_dbn import learning, ops
from tinygrad_dbn.autodiff.trees import tree_map
from tinygrad_dbn.learning.contrastive import gibbs_uniforms
from tinygrad_dbn.learning.modules import arc_cosine
from tinygrad_dbn.learning.modules.boltzmann import code_loss
from tinygrad_dbn.models.autoencoder import as_width

DATA = td.datasets.bars_and_stripes(3).train
RNG = np.random.default_rng(0)
MODULES = {
    "rbm": learning.RBMModule(epochs=3, batch=4),
    "autoencoder": learning.AutoencoderModule(epochs=3, batch=4),
    "untied": learning.AutoencoderModule(epochs=3, batch=4, tied=False),
    "squared": learning.AutoencoderModule(epochs=3, batch=4, error="squared"),
    "denoising": learning.AutoencoderModule(epochs=3, batch=4, corruption=learning.masking(0.3)),
    "salt and pepper": learning.AutoencoderModule(epochs=3, batch=4, corruption=learning.salt_and_pepper(0.3)),
    "embedding": learning.EmbeddingModule(epochs=3, batch=4, neighbours=2),
    "sparse": learning.AutoencoderModule(epochs=3, batch=4, sparsity=(0.1, 1.0)),
    "sparsifying": learning.SparseModule(epochs=3, batch=4, eta=0.1),
}


# ---- The autoencoder -------------------------------------------------------------------------------------------------


def test_a_tied_autoencoder_decodes_with_its_own_weights():
    model = td.Autoencoder.init((6, 4, 2), RNG)
    (W1, W2), (c1, c2), (b1, b2) = model.encoder.weights, model.encoder.biases, model.decoder_biases
    sigmoid = lambda a: 1 / (1 + np.exp(-a))
    x = RNG.random((5, 6))
    code = sigmoid(sigmoid(x @ W1.T + c1) @ W2.T + c2)
    np.testing.assert_allclose(model.encode(x), code, rtol=1e-13)
    back = sigmoid(sigmoid(code @ W2 + b2) @ W1 + b1)
    np.testing.assert_allclose(model(x), back, rtol=1e-13)
    entropy = -(x * np.log(back) + (1 - x) * np.log(1 - back)).sum(axis=1)
    np.testing.assert_allclose(model.cross_entropy(x), entropy, rtol=1e-12)
    np.testing.assert_allclose(model.squared_error(x), ((x - back) ** 2).sum(axis=1) / 2, rtol=1e-12)


def test_unrolled_rbms_are_their_encoders_and_their_decoders():
    rbms = [td.RBM.init(6, 4, RNG, 1.0), td.RBM.init(4, 2, RNG, 1.0)]
    model = td.Autoencoder.unroll(rbms)
    x = RNG.random((5, 6))
    code = rbms[1].hidden_logits(rbms[0].hidden_given_visible(x))  # a linear code layer
    np.testing.assert_allclose(model.encode(x), code, rtol=1e-13)
    back = rbms[0].visible_given_hidden(rbms[1].visible_given_hidden(code))
    np.testing.assert_allclose(model(x), back, rtol=1e-13)


def test_the_code_of_an_unrolled_stack_may_be_of_gaussian_units():
    below, top = td.RBM.init(6, 4, RNG, 1.0), td.GaussianRBM(*(RNG.normal(size=shape) for shape in ((4, 2), 2, 4, 2)))
    model, x = td.Autoencoder.unroll([below, top]), RNG.random((5, 6))
    code = top.visible_given_hidden(below.hidden_given_visible(x))
    np.testing.assert_allclose(model.encode(x), code, rtol=1e-13)
    np.testing.assert_allclose(model(x), below.visible_given_hidden(top.hidden_given_visible(code)), rtol=1e-13)
    categorical = td.CategoricalRBM(np.ones((2, 4)), np.ones(4), np.ones(2), 2)
    for rbms, code in (([top, below], "linear"), ([below, top], "sigmoid"), ([categorical], "linear")):
        with pytest.raises(ValueError, match="but for the last, whose real ones may be a linear code"):
            td.Autoencoder.unroll(rbms, code)


def test_gradients_of_tied_and_untied_autoencoders_agree_with_differences():
    x, seen = RNG.random((3, 5)), RNG.random((3, 5))
    for tied in (True, False):
        for output in ("sigmoid", "linear"):
            model = td.Autoencoder.init((5, 3, 2), RNG, tied, output=output)
            td.check_grads(lambda m: ops.mean(m.squared_error(x, seen)), (model,))
            if output == "sigmoid":
                td.check_grads(lambda m: ops.mean(m.cross_entropy(x)), (model,))


def test_autoencoders_that_do_not_fit_are_refused():
    encoder = td.FeedForward.init((4, 2), RNG, output="sigmoid")
    good = (np.zeros(4),)
    for decoder, biases, kwargs in [
        (None, (), {}),
        ((np.zeros((4, 2)),), good, {}),
        ((), good, {}),
        (None, (np.zeros(2),), {}),
        (None, good, {"output": "tanh"}),
    ]:
        with pytest.raises(ValueError, match=r"shape|as many|perhaps 'softmax'"):
            td.Autoencoder(encoder, decoder, biases, **kwargs)
    with pytest.raises(ValueError, match="at least one RBM"):
        td.Autoencoder.unroll([])
    with pytest.raises(ValueError, match="cross-entropy needs"):
        td.Autoencoder(encoder, None, good, "linear").cross_entropy(np.zeros((1, 4)))


# ---- Noise, CD as a loss ---------------------------------------------------------------------------------------------


def test_noise_has_its_level_and_leaves_the_rest_alone():
    x = RNG.random((400, 50)).astype(np.float32) * 0.5 + 0.25
    masked = learning.masking(0.3)(np.random.default_rng(0), x)
    assert ((masked == 0) | (masked == x)).all()
    assert (masked == 0).mean() == pytest.approx(0.3, abs=0.01)
    salted = learning.salt_and_pepper(0.3)(np.random.default_rng(0), x)
    assert ((salted == 0) | (salted == 1) | (salted == x)).all()
    assert (salted == 0).mean() == pytest.approx(0.15, abs=0.01)
    assert (salted == 1).mean() == pytest.approx(0.15, abs=0.01)
    assert masked.dtype == salted.dtype == np.float32


@pytest.mark.compiled
@pytest.mark.parametrize("k", [1, 3])
def test_cd_as_a_loss_has_the_rules_gradient(k):
    rbm = td.RBM.init(9, 5, np.random.default_rng(0), 1.0)
    uniforms = gibbs_uniforms(5, k)(np.random.default_rng(1), DATA)
    as_loss = td.grad(learning.cd_loss(k))(rbm, DATA, *uniforms)
    as_rule = learning.contrastive_divergence(rbm, DATA, np.random.default_rng(1), k)
    assert_close(as_loss, tree_map(np.negative, as_rule), atol=1e-14)
    compiled = td.compile(td.grad(learning.cd_loss(k)))(rbm, DATA, *uniforms)
    np.testing.assert_allclose(compiled.W, as_loss.W, atol=1e-13)
    with pytest.raises(ValueError, match="k=0: write a whole number from 1"):
        learning.cd_loss(0)


@pytest.mark.parametrize("k", [1, 3])
def test_an_rbm_module_descends_that_loss_with_k_rounds(k):
    seen = []
    learning.RBMModule(epochs=2, batch=4, k=k, watch=seen.append).train(DATA, 5, seed=1)
    settings = {"epochs": 2, "batch": 4, "seed": 1, "draw": gibbs_uniforms(5, k)}
    *_, last = learning.descend(seen[0].model, (DATA,), learning.cd_loss(k), learning.sgd(0.05), **settings)
    assert same_bits(last.model, seen[-1].model)


# ---- Modules and stacks ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODULES)
def test_a_module_hands_over_the_weights_that_it_encodes_with_and_repeats(name):
    layer = MODULES[name].train(DATA, 4, seed=1)
    W, c = layer.weights
    assert W.shape == (4, 9)
    np.testing.assert_allclose(layer.encode(DATA), 1 / (1 + np.exp(-(DATA @ W.T + c))), rtol=1e-12)
    assert same_bits((W, c), MODULES[name].train(DATA, 4, seed=1).weights)
    assert not same_bits((W, c), MODULES[name].train(DATA, 4, seed=2).weights)


def losses(module, X=DATA):
    seen = []
    module.__class__(**{**module.__dict__, "watch": lambda at: seen.append(at.loss), "epochs": 100}).train(X, 6, seed=0)
    return seen


@pytest.mark.parametrize("name", [name for name in MODULES if name not in ("rbm", "embedding")])
def test_autoencoders_reconstruct_better_and_better(name):
    seen = losses(MODULES[name])
    assert np.mean(seen[-5:]) < 0.9 * seen[1]


@pytest.mark.parametrize("error", ["cross-entropy", "squared"])
def test_a_denoising_autoencoder_is_shown_noise_and_reconstructs_the_true_input(error):
    seen = []
    learning.AutoencoderModule(
        epochs=1, batch=len(DATA), error=error, corruption=lambda rng, x: 1 - x, watch=seen.append
    ).train(DATA, 4, seed=0)
    start, after = seen
    loss = start.model.cross_entropy if error == "cross-entropy" else start.model.squared_error
    assert after.loss == pytest.approx(loss(DATA, 1 - DATA).mean(), rel=1e-12)


def test_the_rbm_module_raises_the_exact_likelihood():
    patterns = np.repeat(DATA[[1, 6]], 10, axis=0)
    for seed in range(3):
        values = []
        watch = lambda at, values=values: values.append(td.exact.log_likelihood(at.model, patterns).mean())
        learning.RBMModule(epochs=100, batch=5, optimiser=learning.sgd(0.5), watch=watch).train(patterns, 6, seed=seed)
        assert values[0] + 0.5 < values[-1] < -np.log(2)


def log_p(rbm, X):
    """log p(x) of binary x under Gaussian hidden units: Σ_x exp(bᵀx + ½|c + Wx|²) over all x is in its denominator."""
    score = lambda x: x @ rbm.c + ((x @ rbm.W + rbm.b) ** 2).sum(axis=1) / 2
    return score(X) - np.logaddexp.reduce(score(td.exact.states(X.shape[1])))


def test_the_code_module_raises_the_exact_likelihood_of_an_rbm_of_gaussian_hidden_units():
    patterns = np.repeat(DATA[[1, 6]], 10, axis=0)
    for seed in range(2):
        values = []
        watch = lambda at, values=values: values.append(log_p(at.model, patterns).mean())
        module = learning.GaussianCodeModule(epochs=50, batch=5, optimiser=learning.sgd(0.2), watch=watch)
        layer = module.train(patterns, 3, seed=seed)
        assert values[0] + 0.5 < values[-1] < -np.log(2)
        rbm = layer.model
        assert not rbm.log_variance.any()
        shipped = -rbm.hidden_free_energy(patterns) - td.exact.log_partition(rbm)
        np.testing.assert_allclose(shipped, log_p(rbm, patterns), rtol=1e-9)
        np.testing.assert_allclose(layer.encode(patterns), rbm.visible_given_hidden(patterns), rtol=1e-12)
        assert same_bits(layer.encode(DATA), module.train(patterns, 3, seed=seed).encode(DATA))
    with pytest.raises(TypeError, match="unroll the stack into an autoencoder"):
        _ = layer.weights


def test_a_step_of_the_code_module_is_contrastive_divergence():
    """Its direction written out: E[z xᵀ] and the like of the data less those of their reconstructions (one step)."""
    rbm = td.GaussianRBM(*(RNG.normal(size=shape) for shape in ((4, 2), 2, 4)), learns_variance=False)
    x, noise = RNG.random((5, 4)), RNG.normal(size=(5, 2))
    found = td.grad(code_loss)(rbm, x, noise)
    back = 1 / (1 + np.exp(-((x @ rbm.W + rbm.b + noise) @ rbm.W.T + rbm.c)))
    mean = lambda x: x @ rbm.W + rbm.b
    np.testing.assert_allclose(found.W, (back.T @ mean(back) - x.T @ mean(x)) / 5, rtol=1e-12)
    np.testing.assert_allclose(found.b, (mean(back) - mean(x)).mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.c, (back - x).mean(axis=0), rtol=1e-12)
    assert not found.log_variance.any()


def test_the_sparsity_penalty_is_its_formula_and_finite_where_a_unit_is_always_off_or_on():
    rng = np.random.default_rng(0)
    X, wanted, weight = rng.random((7, 5)), 0.1, 2.0
    module = learning.AutoencoderModule(sparsity=(wanted, weight))
    model = td.Autoencoder.init((5, 3), rng)
    on = model.encode(X).mean(axis=0)
    penalty = weight * (wanted * np.log(wanted / on) + (1 - wanted) * np.log((1 - wanted) / (1 - on))).sum()
    np.testing.assert_allclose(module._loss(model, X), model.cross_entropy(X).mean() + penalty, rtol=1e-12)
    for dtype, bias in itertools.product((np.float32, np.float64), (-1000, 1000)):
        stuck = as_width(dataclasses.replace(model, encoder=td.FeedForward(
            model.encoder.weights, (np.array([bias, 0.0, 0.0]),), output="sigmoid")), dtype)  # fmt: skip
        value, gradient = td.value_and_grad(module._loss)(stuck, X.astype(dtype))
        share = wanted if bias < 0 else 1 - wanted
        assert weight * share * 900 < value < weight * share * 1100
        assert value.dtype == dtype
        slope = gradient.encoder.biases[0][0]  # of −β ρ log σ(a), or of −β (1 − ρ) log σ(−a)
        np.testing.assert_allclose(slope, np.sign(bias) * weight * share, rtol=1e-4)


def test_sparsity_moves_the_mean_activation_towards_its_target():
    plain = learning.AutoencoderModule(epochs=150, batch=14, optimiser=learning.sgd(0.3))
    sparse = learning.AutoencoderModule(epochs=150, batch=14, optimiser=learning.sgd(0.3), sparsity=(0.1, 3.0))
    for seed in range(3):
        means = [m.train(DATA, 8, seed=seed).encode(DATA).mean() for m in (plain, sparse)]
        assert abs(means[1] - 0.1) < 0.1
        assert abs(means[0] - 0.1) > 0.3


def test_a_stack_is_the_lectures_loop():
    module = MODULES["rbm"]
    stack = learning.pretrain((5, 3), module, DATA, seed=1)
    first = module.train(DATA, 5, seed=1001)
    second = module.train(first.encode(DATA), 3, seed=1002)
    assert same_bits([l.weights for l in stack.layers], [first.weights, second.weights])
    np.testing.assert_array_equal(stack.encode(DATA), second.encode(first.encode(DATA)))
    net = stack.network(classes=2, seed=1)
    assert [W.shape for W in net.weights] == [(5, 9), (3, 5), (2, 3)]
    assert same_bits(net.weights[:2], [first.W, second.W])
    assert np.abs(net.weights[2]).min() > 0
    assert stack.dbn.sizes == (9, 5, 3)
    assert same_bits(stack.dbn, td.DBN.from_rbms([first.model, second.model]))


def test_a_stack_goes_on_from_any_layer_to_the_same_bits():
    stages = []
    modules = [MODULES["rbm"], MODULES["denoising"], MODULES["autoencoder"]]
    whole = learning.pretrain((5, 4, 3), modules, DATA, seed=1, watch=stages.append)
    for stage in stages:
        again = learning.pretrain((5, 4, 3), modules, DATA, seed=1, start=stage)
        assert same_bits([l.weights for l in again.layers], [l.weights for l in whole.layers])
    with pytest.raises(TypeError, match="a DBN is a stack of RBMs"):
        _ = whole.dbn
    with pytest.raises(ValueError, match="one module or one for each"):
        learning.pretrain((5, 4), modules, DATA, seed=1)


def test_stacks_that_do_not_fit_are_refused():
    start = learning.pretrain((5,), MODULES["rbm"], DATA, seed=1)
    for sizes, says in [
        ((7, 3), r"a start of layers of \[5\] features for sizes \[7, 3\]"),
        ((5, 0), r"sizes\[1\]=0: write a whole number from 1"),
        ((5, 2.5), r"sizes\[1\]=2\.5: write a whole number from 1"),
    ]:
        with pytest.raises(ValueError, match=says):
            learning.pretrain(sizes, MODULES["rbm"], DATA, seed=1, start=start)
    with pytest.raises(ValueError, match="a stack of no layers starts no network"):
        learning.Stack().network(2, 0)
    with pytest.raises(ValueError, match="a stack of no layers starts no network"):
        learning.fine_tune(learning.Stack(), (DATA, np.zeros(len(DATA), int)), classes=2, seed=0)


def test_fine_tuning_starts_at_the_stack():
    y = (DATA.sum(axis=1) > 4).astype(int)
    stack = learning.pretrain((6,), MODULES["rbm"], DATA, seed=0)
    fit = learning.fine_tune(stack, (DATA, y), classes=2, seed=0, epochs=100, batch=7)
    start = fit.history[0]
    assert start.train_error == learning.error_rate(stack.network(2, 0), DATA, y)
    assert fit.history[-1].train_error < start.train_error


# ---- Modules of other kinds ------------------------------------------------------------------------------------------


def test_an_embedding_brings_neighbours_together_and_others_apart():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3, 8))[np.repeat([0, 1, 2], 30)] + 0.5 * rng.normal(size=(90, 8))

    def ratio(h):
        h = h.reshape(3, 30, -1)
        within = np.linalg.norm(h - h.mean(axis=1, keepdims=True), axis=-1).mean()
        return within / np.linalg.norm(h.mean(axis=1) - h.mean(axis=(0, 1)), axis=-1).mean()

    module = learning.EmbeddingModule(epochs=100, neighbours=5, optimiser=learning.sgd(0.2))
    assert ratio(module.train(X, 4, seed=0).encode(X)) < 0.7 * ratio(X)
    with pytest.raises(ValueError, match="90 neighbours among 90"):
        learning.EmbeddingModule(neighbours=90).train(X, 4, seed=0)


@pytest.mark.parametrize("degree", [0, 1, 2])
def test_the_arc_cosine_kernel_is_the_mean_over_random_units(degree):
    """k(x, y) = 2 E[Θ(w·x) Θ(w·y) (w·x)^n (w·y)^n], w normal (Cho & Saul 2009, equation 1)."""
    rng = np.random.default_rng(0)
    X, Y, w = rng.normal(size=(3, 2)), rng.normal(size=(2, 2)), rng.normal(size=(400_000, 2))
    unit = lambda A: np.where(A @ w.T > 0, (A @ w.T) ** degree, 0.0)
    sampled = 2 * unit(X) @ unit(Y).T / len(w)
    np.testing.assert_allclose(arc_cosine(X, Y, degree), sampled, atol=0.02 * np.abs(sampled).max())
    with pytest.raises(ValueError, match="0, 1 or 2"):
        arc_cosine(X, Y, 3)


def test_kernel_pca_keeps_the_kernels_centred_products():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(12, 3))
    h = learning.KernelPCAModule().train(X, 11, seed=0).encode(X)
    K = arc_cosine(X, X)
    C = np.eye(12) - 1 / 12
    np.testing.assert_allclose(h @ h.T, C @ K @ C, atol=1e-6)
    stack = learning.pretrain((6, 3), learning.KernelPCAModule(), X, seed=0)
    assert stack.encode(X[:4]).shape == (4, 3)
    with pytest.raises(TypeError, match="put a classifier on"):
        stack.network(2, 0)


def test_subspaces_find_the_sources_that_belong_together():
    """Pairs of sources share a random scale; mixed by a rotation, they are found again as subspaces.

    There are local minima, in which each subspace has one source of each pair: half of the starts end there, and the
    lowest of eight counts.
    """
    rng = np.random.default_rng(0)
    scale = np.repeat(rng.exponential(size=(4000, 2)), 2, axis=1)
    mixing = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    X = (scale * rng.normal(size=(4000, 4))) @ mixing.T
    layers = [learning.SubspaceModule(size=2, steps=300).train(X, 2, seed=seed) for seed in range(8)]
    layer = min(layers, key=lambda layer: layer.encode(X).sum())
    energy = ((layer.W @ mixing) ** 2).reshape(2, 2, 2, 2).sum(axis=(1, 3))  # of each pair in each subspace
    assert (energy.max(axis=1) / energy.sum(axis=1) > 0.99).all()
    assert sorted(energy.argmax(axis=1)) == [0, 1]
    np.testing.assert_allclose(
        layer.encode(X)[:, 0], np.linalg.norm((X - X.mean(axis=0)) @ layer.W[:2].T, axis=1), rtol=1e-3, atol=1e-4
    )
    with pytest.raises(ValueError, match="at most 2 features"):
        learning.SubspaceModule(size=2).train(X, 3, seed=0)
    with pytest.raises(TypeError, match="features are lengths"):
        _ = layer.weights


@pytest.mark.parametrize("rule", ["pcd", "ml"])
def test_the_other_rules_of_an_rbm_stack_too(rule):
    X = td.datasets.bars_and_stripes(2).train
    module = learning.RBMModule(epochs=9, rule=rule, optimiser=learning.sgd(0.3), batch=6, k=3)
    stack = learning.pretrain((4, 3), module, X, seed=0)
    *_, alone = learning.greedy(X, (4, 4), seed=1, epochs=9, rule=rule, rate=0.3, batch=6, k=3)
    assert np.array_equal(stack.layers[0].W, alone.rbms[0].W)
    assert np.array_equal(stack.layers[1].W, learning.pretrain((4, 3), module, X, seed=0).layers[1].W)
    assert stack.layers[1].W.shape == (3, 4)


@pytest.mark.parametrize("rule", ["cd", "pcd", "ml"])
def test_a_diverging_layer_is_named(rule):
    module = learning.RBMModule(epochs=3, optimiser=learning.sgd(1e308), batch=5, rule=rule)
    named = pytest.raises(learning.Diverged, match=r"layer 2 of 2 diverged in epoch \d: .*lower the rate")
    with named as caught, np.errstate(all="ignore"):
        learning.pretrain((5, 4), [MODULES["rbm"], module], DATA, seed=0)
    assert all(np.isfinite(leaf).all() for leaf in leaves(caught.value.last.model))


def test_a_model_is_equal_to_itself_alone():
    """Its arrays are not one truth value; so == asks whether it is the same one, and models may be keys."""
    rbm = td.RBM.init(3, 2, 0)
    layer = learning.RBMModule(epochs=0).train(np.eye(3), 2, seed=0)
    for make in (
        lambda: td.RBM(rbm.W, rbm.b, rbm.c),
        lambda: td.DBN((), rbm),
        lambda: td.DBM.from_rbms([rbm, rbm.transposed()]),
        lambda: td.FeedForward((rbm.W,), (rbm.c,)),
        lambda: type(layer)(layer.W, layer.c, layer.model),
        lambda: learning.Stack((layer,)),
    ):
        one, other = make(), make()
        assert one == one
        assert one != other
        assert {one: 1, other: 2}[one] == 1

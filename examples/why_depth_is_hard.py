"""Is a deep net harder to train than a shallow one here, and does pre-training change it (claims B3, B4, C5)?

Prints, for nets of one to four hidden layers of sigmoids on scikit-learn's digits: how long the gradient is in each
layer before training, beside what it cannot exceed; and after training from random weights and from a stack of RBMs,
each at the best of four rates, which of the two kinds of error is the larger.
"""

from functools import partial

import numpy as np

import tinygrad_dbn as td
from tinygrad_dbn import learning
from tinygrad_dbn.extras import needing

with needing("this example", "sklearn"):
    from sklearn.datasets import load_digits

digits = load_digits()
X, y = digits.data / 16, digits.target
order = np.random.default_rng(0).permutation(len(X))
X, y = X[order], y[order]
train, test = (X[:1000], y[:1000]), (X[1000:], y[1000:])

print("the gradient's length in each layer, random weights, output layer last: mean (at most)")
for depth in (1, 2, 3, 4):
    net = td.FeedForward.init((64, *[60] * depth, 10), np.random.default_rng(0))
    lengths = learning.layer_gradients(net, train)
    print(f"  depth {depth}: " + "  ".join(f"{g.mean:.4f} ({g.bound:.4f})" for g in lengths))

print("\nerrors after as many gradient steps, %: train, test, which part is the larger, and the rate")
TUNING, PRETRAINING = 30, 15  # epochs, of the whole net and of each layer before; random weights have both in one
RATES = (1.0, 3.0, 6.0, 12.0)
module = learning.RBMModule(epochs=PRETRAINING, optimiser=learning.sgd(0.1), batch=20)


def best(training, **settings):
    """The lowest mean −log p(class) of the digits trained on, the rate that ends there, and the fit."""
    fits = [(training(optimiser=learning.sgd(rate), batch=20, **settings), rate) for rate in RATES]
    return min((fit.model.nll(*train).mean(), rate, fit) for fit, rate in fits)


for depth in (1, 3):
    sizes = (60,) * depth
    random = td.FeedForward.init((64, *sizes, 10), np.random.default_rng(0))
    stack = learning.pretrain(sizes, module, train[0], seed=0)
    fits = {
        "random": best(partial(learning.fit, random, train), epochs=TUNING + depth * PRETRAINING),
        "RBMs": best(partial(learning.fine_tune, stack, train), classes=10, seed=0, epochs=TUNING),
    }
    for name, (_, rate, fit) in fits.items():
        test_error = learning.error_rate(fit.model, *test)
        verdict = learning.reading(fit.best.train_error, test_error, len(test[0])).verdict
        errors = f"{100 * fit.best.train_error:5.2f} {100 * test_error:5.2f}"
        print(f"  depth {depth}, {name:6s}: {errors}  {verdict}  {rate:g}")

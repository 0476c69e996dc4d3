"""A deep autoencoder of handwritten digits (claims F1 to F5): where training starts, and how it steps.

Reads scikit-learn's 8 × 8 digits. Every system has the same six numbers to describe a digit with, and the same errors
are counted: half the squared distance between a digit and its reconstruction, on digits that were not trained on.
"""

import numpy as np

import tinygrad_dbn as td
from tinygrad_dbn import learning
from tinygrad_dbn.extras import needing

with needing("this example", "sklearn"):
    from sklearn.datasets import load_digits
    from sklearn.decomposition import PCA

SIZES, STEPS = (64, 100, 50, 6), 25
TUNING, PRETRAINING = 40, 20  # epochs, of the whole and of each RBM before; random weights as many steps
TOGETHER = TUNING + (len(SIZES) - 1) * PRETRAINING
RATES = (0.01, 0.03, 0.1)  # each start is judged at the best of these for itself

digits = load_digits().data / 16
digits = digits[np.random.default_rng(0).permutation(len(digits))]
train, test = digits[:1400], digits[1400:]
output, loss = learning.reconstruction_loss()


def errors(model):
    return [model.squared_error(part).mean() for part in (train, test)]


def descended(start, epochs):
    """The model that SGD ends at, by the one of the rates that fits the training digits best."""
    mean_loss = lambda model, x: loss(output(model, x), x)
    ends = []
    for rate in RATES:
        step = learning.momentum(rate)
        *_, last = learning.descend(start, (train,), mean_loss, step, epochs=epochs, batch=20, seed=0)
        ends.append(last.model)
    return min(ends, key=lambda model: errors(model)[0])


# F1: three RBMs, each trained on the hidden layer of the one below, then unrolled. The code's units are Gaussian.
module = learning.RBMModule(epochs=PRETRAINING, optimiser=learning.sgd(0.1), batch=20)
code = learning.GaussianCodeModule(epochs=PRETRAINING, batch=20)
stack = learning.pretrain(SIZES[1:], [module, module, code], train, seed=0)
unrolled = td.Autoencoder.unroll([layer.model for layer in stack.layers])
random = td.Autoencoder.init(SIZES, np.random.default_rng(0), tied=False, code="linear")

# F5: no pre-training, but a better optimiser. Data is seen STEPS times for gradients, more often for curvature.
*_, newton = learning.hessian_free(random, output, loss, (train,), steps=STEPS)

pca = PCA(SIZES[-1]).fit(train)
projected = [
    ((pca.inverse_transform(pca.transform(part)) - part) ** 2).sum(axis=1).mean() / 2 for part in (train, test)
]

rows = {
    "PCA": projected,
    f"random start, {TOGETHER} epochs of SGD": errors(descended(random, TOGETHER)),
    f"RBMs unrolled, {TUNING} epochs of SGD": errors(descended(unrolled, TUNING)),
    f"random start, {STEPS} Hessian-free steps": errors(newton.model),
}
print(f"{'-'.join(map(str, SIZES))} and back      ½|x − x̂|²: train     test")
for name, (on_train, on_test) in rows.items():
    print(f"{name:42s} {on_train:9.4f} {on_test:9.4f}")

"""A training loop written out: models are vectors, and an optimiser is a function in it.

Run it: python examples/training_by_hand.py
"""

import numpy as np

import tinygrad_dbn as td

rng = np.random.default_rng(0)
x = rng.uniform(-1, 1, (200, 2))
y = (x[:, 0] * x[:, 1] > 0).astype(int)  # which no single unit decides
net = td.FeedForward.init((2, 16, 2), rng, hidden="tanh")
loss = lambda net, x, y: net.nll(x, y).mean()

# A model minus a gradient is a model: this is gradient descent, and compiled it is one function.
step = td.compile(lambda net, x, y: net - 0.5 * td.grad(loss)(net, x, y))
by_hand = net
for _ in range(300):
    by_hand = step(by_hand, x, y)
print(f"gradient descent: loss {loss(net, x, y):.3f} -> {loss(by_hand, x, y):.3f} nats")

# An optimiser makes the next model and its own next state from a direction that leads up.
adam = td.learning.adam(0.02)
by_adam, state = net, adam.start(net)
for _ in range(300):
    by_adam, state = adam(by_adam, state, -td.grad(loss)(by_adam, x, y))
print(f"Adam: loss {loss(by_adam, x, y):.3f} nats")

# The gradient of every example without a loop: inside, x is one example and y its class.
one = lambda net, x, y: net.nll(x[None], y[None]).sum()
each = td.vmap(td.grad(one), (None, 0, 0))(by_hand, x, y)
lengths = sum((g * g).reshape(len(x), -1).sum(axis=1) for g in (*each.weights, *each.biases)) ** 0.5
print(f"the longest gradient of an example is {lengths.max() / np.median(lengths):.0f} times the median's length")

# Curvature whole, where the parameters are few.
last = lambda b: loss(td.FeedForward(by_adam.weights, (by_adam.biases[0], b), "tanh"), x, y)
print("curvature by the last biases:", td.hessian(last)(by_adam.biases[1]).round(4).tolist())

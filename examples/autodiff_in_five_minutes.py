"""The engine: gradients of models, any order, and formulas from code.

Run it: python examples/autodiff_in_five_minutes.py
"""

import numpy as np

import tinygrad_dbn as td

rng = np.random.default_rng(0)

# A model is a value. Its gradient is a model of the same shape.
net = td.FeedForward.init((3, 4, 2), rng, hidden="tanh")
x, y = rng.normal(size=(8, 3)), rng.integers(0, 2, 8)
loss = lambda net: net.nll(x, y).mean()
value, gradient = td.value_and_grad(loss)(net)
print(f"loss {value:.4f} nats, gradient of W^(1) has shape {gradient.weights[0].shape}")

# Rules are made of ops, so derivatives nest. H v is the gradient's derivative along v.
Hv = td.hvp(loss, net, gradient)
print(
    f"curvature along the gradient: {sum((a * b).sum() for a, b in zip(Hv.weights, gradient.weights, strict=True)):.4f}"
)

# A new op deserves a check before it is trusted.
td.check_grads(loss, [net])

# By hand, as in PyTorch.
w = td.Tensor([1.0, -2.0])
td.ops.softplus(w).sum().backward()
print("softplus'(1), softplus'(-2):", w.grad)

# The same functions run on symbols: this formula was computed by the code above, not typed.
print("d softplus / dx =", td.symbolic.express(td.grad(td.ops.softplus), ()))

# %% [markdown]
# # The engine
#
# Models are values, gradients are models, and one function runs on floats, is compiled, and is read as a formula.

# %%
import numpy as np

import tinygrad_dbn as td
from tinygrad_dbn.autodiff.inspect.graph import graph

rng = np.random.default_rng(0)

# %% [markdown]
# ## A gradient
#
# A network is a frozen dataclass of arrays. The gradient of a loss is another network, so a step downhill is a
# difference of two models.

# %%
x = rng.uniform(-1, 1, (200, 2))
y = (x[:, 0] * x[:, 1] > 0).astype(int)
net = td.FeedForward.init((2, 16, 2), rng, hidden="tanh")
loss = lambda net: net.nll(x, y).mean()
value, gradient = td.value_and_grad(loss)(net)
gradient

# %%
loss(net), loss(net - 0.1 * gradient)

# %% [markdown]
# ## What was traced
#
# A trace is a list of steps. Each says in what shares its cotangent, written with a bar, flows back.

# %%
graph(lambda w, b: np.mean(td.ops.softplus(w * b)), np.ones(3), 0.5)

# %% [markdown]
# ## The same source on symbols
#
# The formula is computed by the rules that `grad` runs, not typed.

# %%
td.symbolic.express(td.grad(td.ops.softplus), ())

# %% [markdown]
# ## Any order, any batch
#
# Rules are made of ops, so derivatives nest; `vmap` gives the gradient of every example without a loop.

# %%
cubes = lambda x: (x**3).sum()
np.testing.assert_allclose(td.hessian(cubes)(x[0]), np.diag(6 * x[0]))
one = lambda net, x, y: net.nll(x[None], y[None]).sum()
each = td.vmap(td.grad(one), (None, 0, 0))(net, x, y)
np.testing.assert_allclose(each.weights[0].mean(axis=0), gradient.weights[0], rtol=1e-10, atol=1e-15)
each

# %% [markdown]
# ## A rule that is wrong is found
#
# `check_grads` compares with differences along random directions, in both modes and to the second order.

# %%
td.check_grads(loss, [net])

# %% [markdown]
# ## Compiled
#
# A step is traced once and becomes one function of Numba's, whose text can be read.

# %%
step = td.compile(lambda w: w - 0.1 * td.grad(lambda w: td.ops.softplus(w).sum())(w))
w = np.array([1.0, -1.0])
np.testing.assert_allclose(step(w), w - 0.1 * td.ops.sigmoid(w), rtol=1e-12)
print(step.source(w))

# %% [markdown]
# ## From and to scikit-learn and PyTorch
#
# Weights come over by their attributes. `td.from_torch(module.state_dict(), hidden="tanh", output="softmax")` reads a
# module's.

# %%
theirs = td.to_sklearn(net)
np.testing.assert_allclose(theirs.predict_proba(x), net(x), rtol=1e-10)
td.from_sklearn(theirs)

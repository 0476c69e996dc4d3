# %% [markdown]
# # Exact experiments
#
# A restricted Boltzmann machine of nine visible units has 512 states. Its likelihood is a sum that is done, not
# estimated, so that what a training curve usually hides can be seen.

# %%
import numpy as np

import tinygrad_dbn as td

data = td.datasets.bars_and_stripes(3)
data

# %% [markdown]
# ## Contrastive divergence against maximum likelihood
#
# The same machine trained twice. No model can exceed the optimum, which is minus the entropy of the data.

# %%
epochs, every = 200, 20
curves, trained = {}, {}
for rule in ("cd", "ml"):
    stages = [*td.learning.greedy(data.train, (9, 8), seed=0, epochs=epochs, rule=rule, rate=0.1, batch=7)]
    curves[rule] = [td.exact.log_likelihood(s.rbms[0], data.train).mean() for s in stages[::every]]
    trained[rule] = stages[-1].rbms[0]
assert curves["cd"][-1] < curves["ml"][-1] < data.optimum
print(f"optimum {data.optimum:.3f}, " + ", ".join(f"{rule} {curve[-1]:.3f}" for rule, curve in curves.items()))

# %%
import matplotlib.pyplot as plt

for rule, curve in curves.items():
    plt.plot(np.arange(len(curve)) * every, curve, label=rule)
plt.axhline(data.optimum, color="grey", label="optimum")
plt.xlabel("epochs")
plt.ylabel("mean log p(x), nats")
plt.legend()

# %% [markdown]
# ## How far off is CD-k?
#
# Its expected update is a sum as well. The angle to the gradient shrinks as the chain grows.

# %%
gradient = td.exact.gradient(trained["ml"], data.train)
angles = {
    k: td.exact.compare(td.exact.expected_cd(trained["ml"], data.train, k), gradient).angle for k in (1, 10, 100, 1000)
}
assert sorted(angles.values(), reverse=True) == [*angles.values()]
angles

# %% [markdown]
# ## A deep belief network, its bound and its gap
#
# Unrolled with tied weights it has the machine's own distribution, and its bound is tight. With a fresh machine on top
# the bound falls below the likelihood, by the KL divergence of the recognition model from the posterior.

# %%
tied = td.DBN.from_tied(trained["ml"])
np.testing.assert_allclose(
    td.exact.log_likelihood(tied, data.train), td.exact.log_likelihood(trained["ml"], data.train), rtol=1e-10
)
td.exact.audit(tied, data.train)

# %%
fresh = td.DBN.from_rbms([trained["ml"], td.RBM.init(8, 6, np.random.default_rng(1))])
audit = td.exact.audit(fresh, data.train)
assert audit.kl.mean() > 0.01
assert abs(audit.residual).max() < 1e-12
audit

# %% [markdown]
# ## What it draws
#
# Samples of the trained machine, as a data set of their own, and the share of them that are bars or stripes.

# %%
drawn = trained["ml"].sample(1000, np.random.default_rng(0), steps=200)
share = (drawn[:, None] == data.train).all(axis=2).any(axis=1).mean()
print(f"{share:.0%} of the samples are bars or stripes; of coin flips {len(data.train) / 512:.0%} would be")
assert share > 0.5
td.datasets.Dataset("samples", drawn, None, (3, 3), None, "drawn by the RBM")

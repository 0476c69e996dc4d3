"""CD-1 against exact maximum likelihood on bars and stripes, judged by the exact likelihood.

Run it: python examples/exact_maximum_likelihood.py
"""

import tinygrad_dbn as td

data = td.datasets.bars_and_stripes(3)
print(f"{data.name}: {len(data.train)} patterns, best possible mean log-likelihood {data.optimum:.4f} nats")

for rule in ("cd", "ml"):
    stages = td.learning.greedy(data.train, (9, 8), seed=0, epochs=400, rule=rule, rate=0.05, batch=7)
    for stage in stages:
        if stage.epoch % 100 == 0:
            log_p = td.exact.log_likelihood(stage.rbms[0], data.train).mean()
            print(f"{rule}, epoch {stage.epoch:3d}: {log_p:8.4f} nats")

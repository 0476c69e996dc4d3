"""Where trainings end in function space, with and without pre-training (claim C5; Erhan et al. 2010)."""

from functools import partial
from typing import Any

import numpy as np

from ...extras import needing
from ...learning import Fit, RBMModule, error_rate, fine_tune, fit, momentum, pretrain, sgd, steps_per_epoch
from ...models import FeedForward
from ...models.autoencoder import as_width
from .choosing import best_of, listed
from .digits import mnist
from .experiment import Comparison, Experiment, Figures, Results
from .pictures import trajectories

CONDITIONS = ("random", "pre-trained")
SHOWN = 60  # test digits whose outputs are followed
SIZES, BATCH = (100, 100, 100), 20
RATES = (0.02, 0.05, 0.12, 0.3)


def measure(condition: str, seed: int, quick: bool) -> Figures:
    """The outputs on the same test digits after every epoch, flattened: (epochs + 1, SHOWN · 10)."""
    digits = mnist(0)  # one problem for all seeds, else their outputs could not be compared
    X, y, (test_X, test_y) = digits.train.X[:1000], digits.train.y[:1000], (digits.test.X, digits.test.y)
    epochs, before = (3, 1) if quick else (40, 20)
    together = epochs + len(SIZES) * before  # of pre-training and fine-tuning: what nets from random weights have too
    data: Any = ((X, y), digits.valid)
    settings: dict[str, Any] = {"batch": BATCH, "seed": seed}
    if condition == "pre-trained":
        stack = pretrain(SIZES, RBMModule(epochs=before, optimiser=sgd(0.1), batch=BATCH), X, seed)
        training = partial(fine_tune, stack, *data, classes=10, epochs=epochs, **settings)
    else:
        net = as_width(FeedForward.init((784, *SIZES, 10), np.random.default_rng([seed, 0])), np.float32)
        training = partial(fit, net, *data, epochs=together, **settings)

    def followed(rate: float) -> tuple[Fit, list[Any]]:
        path: list[Any] = []
        see = lambda at: path.append(np.asarray(at.descent.model(test_X[:SHOWN])).ravel())
        return training(optimiser=momentum(rate), watch=see), path

    rate, (fitted, path) = best_of(RATES, followed, lambda found: found[0].best.valid_nll, quick)
    return {
        "test": 100 * error_rate(fitted.model, test_X, test_y),
        "train": 100 * fitted.best.train_error,
        "rate": rate,
        "steps": together * steps_per_epoch(len(X), BATCH),
        "path": np.round(np.array(path, float), 5).tolist(),
    }


def _draw(results: Results, dark: bool) -> bytes:
    with needing("t-SNE", "sklearn"):
        from sklearn.manifold import TSNE

    cells = sorted(results)
    paths = [np.array(results[cell]["path"]) for cell in cells]
    points = np.concatenate(paths)
    perplexity = min(30.0, (len(points) - 1) / 4)
    places = TSNE(perplexity=perplexity, init="pca", random_state=0).fit_transform(points)
    ends = np.cumsum([len(path) for path in paths])[:-1]
    return trajectories(list(zip(cells, np.split(places, ends), strict=True)), dark)


EXPERIMENT = Experiment(
    claim="C5",
    title="Pre-training leads to another region of function space",
    method=(
        "Nets 784-100-100-100-10 on 1 000 digits of MNIST, momentum, ten seeds each: 40 epochs from stacks of RBMs "
        "(20 epochs a layer), and 100 from random weights, as many gradient steps; in "
        "products with weights, of which a step on one RBM has fewer, those of pre-trained nets come to 80 epochs. "
        "All seeds have the same digits. The rate "
        f"(of {listed(RATES)}) and the epoch are those of lowest NLL on 500 validation digits. A point is a net "
        "after an epoch: its outputs on the same 60 test digits, laid out in the plane by t-SNE, as Erhan et al. "
        "(2010) did with far larger nets. Distances between groups mean little in such a map; which points are "
        "neighbours does."
    ),
    conditions=CONDITIONS,
    seeds=10,
    measure=measure,
    columns={"test": "test error, %", "train": "train error, %", "rate": "rate chosen", "steps": "gradient steps"},
    comparisons=(
        Comparison("test", "pre-trained", "random", says="by as many steps, pre-trained nets err less on test digits"),
    ),
    draw=_draw,
)

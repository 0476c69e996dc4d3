"""The picture of an examination: annealed intervals against the exact log Z, and the bias of CD against k."""

from typing import TYPE_CHECKING, Any

from ..plots import figure_on_page, png
from .examine import Figures

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def audit(found: dict[str, Figures], dark: bool = False) -> bytes:
    """PNG of what `examine` found. What was refused is said to be, in its place."""
    with figure_on_page(dark, (9.6, 4.2)) as (figure, colour):
        left, right = figure.subplots(1, 2)
        _intervals(left, found, colour)
        _bias(right, found, colour)
        return png(figure)


def _intervals(axes: "Axes", found: dict[str, Figures], colour: dict[str, str]) -> None:
    exact = found["log_partition"].get("exact")
    temperatures: list[int] = []
    for name, label, where, shift in (
        ("annealed", "AIS", "train", -0.1),
        ("annealed_backwards", "reverse AIS", "heldout", 0.1),
    ):
        estimates = found[name].get("estimates", [])
        if not estimates:
            continue
        temperatures = [each["temperatures"] for each in estimates]
        centres = [each["log_partition"] - (exact or 0.0) for each in estimates]
        axes.errorbar(
            [i + shift for i in range(len(estimates))],
            centres,
            yerr=[each["high"] - each["log_partition"] for each in estimates],
            fmt="o" if shift < 0 else "s", markersize=4, capsize=4, linewidth=1.6, color=colour[where], label=label,
        )  # fmt: skip
    if exact is not None:
        axes.axhline(0, color=colour["optimum"], linestyle="-.", linewidth=1.4, label="exact", zorder=0)
    axes.set_xticks(range(len(temperatures)), [str(each) for each in temperatures])
    axes.set_xlabel("temperatures")
    axes.set_ylabel("log Z (nats)" if exact is None else "estimate − exact log Z (nats)")
    axes.set_title("log Z of the top RBM, 95 % intervals", loc="left")
    _finish(axes, colour)


def _bias(axes: "Axes", found: dict[str, Figures], colour: dict[str, str]) -> None:
    curves = {name.rpartition("_")[2]: each for name, each in found.items() if name.startswith("bias_of_cd")}
    drawn = {layer: each["curve"] for layer, each in curves.items() if "curve" in each}
    styles: list[dict[str, Any]] = [
        {"color": colour["train"], "marker": "o", "linestyle": "-"},
        {"color": colour["heldout"], "marker": "s", "linestyle": "--"},
        {"color": colour["optimum"], "marker": "^", "linestyle": ":"},
    ]
    for i, (layer, curve) in enumerate(drawn.items()):
        size = f"{curves[layer]['visible']}-{curves[layer]['hidden']}"
        ks, angles = [each["k"] for each in curve], [each["angle"] for each in curve]
        axes.plot(ks, angles, markersize=5, linewidth=1.8, label=f"layer {layer}, {size}", **styles[i % len(styles)])
    axes.set_title("bias of CD-k", loc="left")
    left_out = [layer for layer in curves if layer not in drawn]
    if left_out:
        said = f"layer {', '.join(left_out)}: refused, see the report"
        axes.annotate(said, (0.03, 0.03), xycoords="axes fraction", color=colour["ink"], alpha=0.75)
    if not drawn:
        axes.set(xticks=[], yticks=[])
        return
    axes.set_xscale("log")
    axes.set_xticks(ks, [str(k) for k in ks])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.set_xlabel("k, rounds of Gibbs sampling")
    axes.set_ylabel("angle to the exact gradient (degrees)")
    _finish(axes, colour)


def _finish(axes: "Axes", colour: dict[str, str]) -> None:
    axes.grid(axis="y", color=colour["faint"], linewidth=0.6, alpha=0.6)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False)

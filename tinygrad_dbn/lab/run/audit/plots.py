"""The picture of an examination: annealed intervals against the exact log Z, and the bias of CD against k."""

from ...canvas import Axes, Colours, canvas, grid, png, series
from .examine import Figures


def audit(found: dict[str, Figures], dark: bool = False) -> bytes:
    """PNG of what `examine` found. What was refused is said to be, in its place."""
    with canvas(dark, (9.6, 4.2)) as (figure, colour):
        left, right = figure.subplots(1, 2)
        _intervals(left, found, colour)
        _bias(right, found, colour)
        return png(figure)


def _intervals(axes: Axes, found: dict[str, Figures], colour: Colours) -> None:
    exact = found["log_partition"].get("exact")
    temperatures: list[int] = []
    ways = (("annealed", "AIS", -0.1), ("annealed_backwards", "reverse AIS", 0.1))
    for (name, label, shift), (shade, marker, _) in zip(ways, series(len(ways)), strict=True):
        estimates = found[name].get("estimates", [])
        if not estimates:
            continue
        temperatures = [each["temperatures"] for each in estimates]
        axes.errorbar(
            [i + shift for i in range(len(estimates))],
            [each["log_partition"] - (exact or 0.0) for each in estimates],
            yerr=[each["high"] - each["log_partition"] for each in estimates],
            fmt=marker, markersize=4, capsize=4, linewidth=1.6, color=colour[shade], label=label,
        )  # fmt: skip
    if exact is not None:
        axes.axhline(0, color=colour["optimum"], linestyle="-.", linewidth=1.4, label="exact", zorder=0)
    axes.set_xticks(range(len(temperatures)), [str(each) for each in temperatures])
    axes.set_xlabel("temperatures")
    axes.set_ylabel("log Z (nats)" if exact is None else "estimate − exact log Z (nats)")
    axes.set_title("log Z of the top RBM, 95 % intervals", loc="left")
    grid(axes, colour)
    if temperatures or exact is not None:
        axes.legend(frameon=False)


def _bias(axes: Axes, found: dict[str, Figures], colour: Colours) -> None:
    curves = {name.rpartition("_")[2]: each for name, each in found.items() if name.startswith("bias_of_cd")}
    drawn = {layer: each["curve"] for layer, each in curves.items() if "curve" in each}
    for (layer, curve), style in zip(drawn.items(), series(len(drawn)), strict=True):
        size = f"{curves[layer]['visible']}-{curves[layer]['hidden']}"
        ks, angles = [each["k"] for each in curve], [each["angle"] for each in curve]
        shade, marker, line = style
        axes.plot(
            ks, angles, color=colour[shade], marker=marker, linestyle=line, markersize=5, linewidth=1.8,
            label=f"layer {layer}, {size}",
        )  # fmt: skip
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
    grid(axes, colour)
    axes.legend(frameon=False)

"""An examination in words: one entry of the report for each of its figures, or the reason why there is none."""

from collections.abc import Callable

from ...page import minus
from ..live import nats
from .examine import Figures


def entries(found: dict[str, Figures]) -> list[tuple[str, str, str]]:
    """(title, claims, sentence) for every examination, in its order. Plain text, not yet HTML."""
    return [_entry(name, figures) for name, figures in found.items()]


def _entry(name: str, figures: Figures) -> tuple[str, str, str]:
    layer = name.removeprefix("bias_of_cd_in_layer_")
    title, claims, sentence = _KNOWN.get(name) or (f"bias of CD-k in layer {layer}", "G0", _bias)
    return title, claims, f"Refused: {figures['refused']}." if "refused" in figures else sentence(figures)


def _nats(value: float) -> str:
    return minus(nats(value))


def _log_partition(figures: Figures) -> str:
    return f"{figures['exact']:.10f} nats, by enumeration; rounding accounts for at most {figures['error']:.1e}."


def _annealed(figures: Figures) -> str:
    verdicts = {True: "holds the exact value", False: "MISSES the exact value", None: "nothing exact to hold"}
    parts = []
    for each in figures["estimates"]:
        parts.append(
            f"{each['temperatures']} temperatures: {_nats(each['log_partition'])}, [{_nats(each['low'])}, "
            f"{_nats(each['high'])}], worth {each['effective']:.0f} chains, {verdicts[each['holds']]}"
        )
    return f"{figures['chains']} chains, {figures['confidence']:.0%} intervals in nats. " + "; ".join(parts) + "."


def _entropy(figures: Figures) -> str:
    return (
        f"{_nats(figures['model'])} nats over all states of x; that of the training data is {_nats(figures['data'])}."
    )


def _divergence(figures: Figures) -> str:
    return (
        f"{_nats(figures['kl'])} nats to the empirical distribution of the training data: what −log p(x) costs beyond "
        "the data's own entropy. Maximum likelihood makes it small, and it would be zero for a model that is the data."
    )


def _layers(figures: Figures) -> str:
    lost = "; ".join(f"{_nats(kl)} at h{k}" for k, kl in enumerate(figures["kl"], start=1))
    return (
        f"log p(x) {_nats(figures['log_likelihood'])} = {_nats(figures['bound'])}, the recognition chain's bound, "
        f"+ what is lost: {lost}, in nats. The largest residual of any example is {figures['residual']:.1e}."
    )


def _factorial(figures: Figures) -> str:
    most = figures["most_fixed_points"]
    ends = "All starts of an example ended in one bound." if most == 1 else f"They ended in up to {most} bounds each."
    return (
        f"On {figures['examples']} examples spread over the training data the recognition model loses "
        f"{_nats(figures['gap'])} nats; the best product of independent units found from {figures['starts']} starts "
        f"would recover {_nats(figures['recovered'])} of them and lose {_nats(figures['gap_left'])}. {ends}"
    )


def _ceiling(figures: Figures) -> str:
    return (
        f"With the first layer fixed no layers above it bring the bound over {_nats(figures['bound'])} nats; the "
        f"model's has {_nats(figures['room'])} of room. There log p(x) would be {_nats(figures['log_likelihood'])}."
    )


def _optimum(figures: Figures) -> str:
    return (
        f"log p(x) is {_nats(figures['log_likelihood'])}, {_nats(figures['distance'])} nats below "
        f"{_nats(figures['optimum'])}, the best that any model can do. A figure above it would be refused."
    )


def _bias(figures: Figures) -> str:
    curve = "; ".join(f"CD-{each['k']} {each['angle']:.3g}° ({each['length']:.3g})" for each in figures["curve"])
    return (
        f"The angle between the expected update and the exact gradient of this RBM of {figures['visible']} visible and "
        f"{figures['hidden']} hidden units, and in brackets its length relative to the gradient's: {curve}. Both are "
        "sums over every state, on what this layer is trained on."
    )


_KNOWN: dict[str, tuple[str, str, Callable[[Figures], str]]] = {
    "log_partition": ("log Z of the top RBM", "G0", _log_partition),
    "annealed": ("log Z by AIS", "G0", _annealed),
    "annealed_backwards": ("log Z by reverse AIS", "G0", _annealed),
    "entropy": ("entropy of the model", "G5", _entropy),
    "divergence": ("KL(data‖model)", "H4", _divergence),
    "layers": ("the gap, layer by layer", "H4, I5", _layers),
    "factorial": ("the best factorial q", "H2, H3", _factorial),
    "ceiling": ("the bound's ceiling", "I2, I5", _ceiling),
    "optimum": ("distance to the optimum", "H1", _optimum),
}
"""Each examination's title, the claims it is about, and its sentence; what is not here is the bias in one layer."""

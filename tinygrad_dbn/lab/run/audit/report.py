"""An examination in words: one entry of the report for each of its figures, or the reason why there is none."""

from ..live import nats
from .examine import Figures

_TITLES = {
    "log_partition": ("log Z of the top RBM", "G0"),
    "annealed": ("log Z by AIS", "G0"),
    "annealed_backwards": ("log Z by reverse AIS", "G0"),
    "entropy": ("entropy of the model", "G5"),
    "divergence": ("KL(data‖model)", "H4"),
    "layers": ("the gap, layer by layer", "H4, I5"),
    "factorial": ("the best factorial q", "H2, H3"),
    "ceiling": ("the bound's ceiling", "I2, I5"),
    "optimum": ("distance to the optimum", "H1"),
}


def entries(found: dict[str, Figures]) -> list[tuple[str, str, str]]:
    """(title, claims, sentence) for every examination, in its order. Plain text, not yet HTML."""
    return [(*_title(name), _sentence(name, figures)) for name, figures in found.items()]


def _nats(value: float) -> str:
    return nats(value).replace("-", "−")


def _title(name: str) -> tuple[str, str]:
    return _TITLES.get(name) or (f"bias of CD-k in layer {name.rpartition('_')[2]}", "G0")


def _sentence(name: str, figures: Figures) -> str:
    if "refused" in figures:
        return f"Refused: {figures['refused']}."
    sentences = {
        "log_partition": _log_partition,
        "annealed": _annealed,
        "annealed_backwards": _annealed,
        "entropy": _entropy,
        "divergence": _divergence,
        "layers": _layers,
        "factorial": _factorial,
        "ceiling": _ceiling,
        "optimum": _optimum,
    }
    return sentences.get(name, _bias)(figures)


def _log_partition(figures: Figures) -> str:
    return f"{figures['exact']:.10f} nats, by enumeration; rounding accounts for at most {figures['error']:.1e}."


def _annealed(figures: Figures) -> str:
    parts = []
    for each in figures["estimates"]:
        held = {True: "holds the exact value", False: "MISSES the exact value", None: "nothing exact to hold"}
        parts.append(
            f"{each['temperatures']} temperatures: {_nats(each['log_partition'])}, [{_nats(each['low'])}, "
            f"{_nats(each['high'])}], worth {each['effective']:.0f} chains, {held[each['holds']]}"
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

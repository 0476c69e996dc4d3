"""A study's report, as one page."""

import numpy as np

from .. import page as html
from ..canvas import Picture
from ..page import escape, minus
from .courses import RULES, SUBJECTS, Moment
from .effects import Estimate, by_setting, coverage

_TEXTS = {
    "courses": (
        "How far each rule gets",
        "Exact log p of the training distribution in the first layer's training: medians over the seeds, shaded from "
        "the lowest to the highest. Dotted: the best that any model can reach. ML follows the exact gradient; CD-k "
        "starts its chains at the data (Hinton 2002), PCD never takes them back there (Tieleman 2008); Centred is "
        "CD-1 by the centred gradient (Montavon & Müller 2012), PT has chains at ten temperatures that exchange their "
        "states (Desjardins et al. 2010). All have the same rates, but for PCD and PT, which have three tenths of "
        "them: their chains must keep up with the weights. Colourings are learned twice, by visible units of zeros and "
        "ones and by softmax units, one for each place and its three colours.",
    ),
    "stacks": (
        "What a second layer does",
        "The second layer of seed 0, trained on samples of the first, by maximum likelihood where that is among the "
        "rules and else by the first of them. Above: exact log p and its bound, "
        "the gap KL(q‖p) shaded between them. Below: the gap alone (claims H4, I5). Where the second layer has the "
        "shape of the first one's transpose it starts tied, and the gap starts at zero (claim I4).",
    ),
    "bias": (
        "The bias of contrastive divergence",
        "The angle between the exact expected update of CD-k and the exact gradient, on bars and stripes 3 × 3, at "
        "three moments of one training. Longer chains are closer; as weights grow, the same k is worth less.",
    ),
    "intervals": (
        "Annealed sampling against the truth",
        "95 % intervals for log Z of random RBMs with weights of standard deviation 6, each from 100 chains, less the "
        "exact log Z. Crosses: the truth is outside. Forwards errs low, backwards high.",
    ),
    "fall": (
        "A bound that rises over a falling likelihood",
        "Exact ascent on the bound of bars and stripes 2 × 2, from a second layer of small random weights (claim I6). "
        "Every step raises the bound; the likelihood falls towards it.",
    ),
}


def page(moments: list[Moment], estimates: list[Estimate], pictures: dict[str, Picture], scale: float) -> str:
    """The HTML text. scale: the share of the courses' usual length."""
    seeds = len({m.seed for m in moments})
    length = "" if scale == 1 else f" Every course was cut to {scale:.3g} of its usual length."
    below = {"courses": _last(moments), "intervals": _coverage(estimates)}
    sections = "".join(
        f"<h2>{escape(title)}</h2>{html.figure(*pictures[name], text)}{below.get(name, '')}"
        for name, (title, text) in _TEXTS.items()
    )
    return html.page(
        "Learning rules, judged exactly",
        f'<p class="soft">{seeds} seed{"s" * (seeds != 1)} for each rule and distribution. '
        f"Every log-likelihood is a sum over all states, none is an estimate, and none is above the optimum.{length} "
        f"All digits are in courses.csv.</p>\n{sections}",
    )


def _last(moments: list[Moment]) -> str:
    """Where the first layer ended: medians over the seeds, and ranges."""
    names = list(dict.fromkeys(m.data for m in moments))
    rules = [rule for rule in RULES if any(m.rule == rule for m in moments)]
    rows = []
    for name in names:
        here = [m for m in moments if m.data == name and m.layer == 1]
        end = max(m.epoch for m in here)
        cells = []
        for rule in rules:
            found = [m.log_likelihood for m in here if m.rule == rule and m.epoch == end]
            limits = f"<br><small>{min(found):.3f} to {max(found):.3f}</small>" if len(found) > 1 else ""
            cells.append(f"{np.median(found):.3f}{limits}")
        visible, hidden = SUBJECTS[name].sizes[:2]
        rows.append([escape(name), f"{visible}-{hidden}", *map(minus, cells), minus(f"{here[0].best_possible:.3f}")])
    caption = "<p>log p in nats at the end of the first layer, median over the seeds:</p>"
    return caption + html.table(["distribution", "RBM", *rules, "best possible"], rows)


def _coverage(found: list[Estimate]) -> str:
    lines = []
    for (count, backwards), here in by_setting(found).items():
        hits, n = sum(e.interval.holds is True for e in here), len(here)
        low, high = coverage(hits, n)
        lines.append(
            f"<li>{count} temperatures, {'backwards' if backwards else 'forwards'}: {hits} of {n} hold the truth, "
            f"{hits / n:.0%} (95 % interval of that share: {low:.0%} to {high:.0%})</li>"
        )
    return f"<ul>{''.join(lines)}</ul>"

"""A study's report: one page that needs no network."""

from base64 import b64encode
from html import escape

import numpy as np

from ..run.report import STYLE, Pictures
from .courses import RULES, SUBJECTS, Moment
from .measures import Interval, coverage

_TEXTS = {
    "courses": (
        "How far each rule gets",
        "Exact log p of the training distribution in the first layer's training: medians over the seeds, shaded from "
        "the lowest to the highest. Dotted: the best that any model can reach. ML follows the exact gradient; CD-k "
        "starts its chains at the data (Hinton 2002), PCD never takes them back there (Tieleman 2008). All have the "
        "same rates, but for PCD, which has three tenths of them: its chains must keep up with the weights.",
    ),
    "stacks": (
        "What a second layer does",
        "The second layer trained by maximum likelihood on samples of the first. Above: exact log p and its bound, "
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


def page(moments: list[Moment], intervals: list[Interval], light: Pictures, dark: Pictures, scale: float) -> str:
    """The HTML text. `light` and `dark` map a picture's name to its PNG."""
    seeds = len({m.seed for m in moments})
    length = "" if scale == 1 else f" Every course was cut to {scale:.3g} of its usual length."
    sections = "".join(
        f"<h2>{escape(title)}</h2>{_figure(name, text, light, dark)}"
        + (_last(moments) if name == "courses" else _coverage(intervals) if name == "intervals" else "")
        for name, (title, text) in _TEXTS.items()
    )
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Learning rules, judged exactly</title>\n<style>{STYLE}</style>\n<main>\n"
        f"<h1>Learning rules, judged exactly</h1>\n"
        f'<p class="soft">{seeds} seed{"s" * (seeds != 1)} for each rule and distribution; all of them are shown. '
        f"Every log-likelihood is a sum over all states, none is an estimate, and none is above the optimum.{length} "
        f"All digits are in courses.csv.</p>\n{sections}\n</main>\n</html>\n"
    )


def _figure(name: str, text: str, light: Pictures, dark: Pictures) -> str:
    day, night = (f"data:image/png;base64,{b64encode(each[name]).decode()}" for each in (light, dark))
    return (
        f'<figure><picture><source media="(prefers-color-scheme: dark)" srcset="{night}">'
        f'<img alt="{escape(text)}" src="{day}"></picture><figcaption>{escape(text)}</figcaption></figure>'
    )


def _last(moments: list[Moment]) -> str:
    """Where the first layer ended: medians over the seeds, and ranges."""
    names = list(dict.fromkeys(m.data for m in moments))
    rules = [rule for rule in RULES if any(m.rule == rule for m in moments)]
    head = "".join(f'<th scope="col">{name}</th>' for name in ("distribution", "RBM", *rules, "best possible"))
    body = []
    for name in names:
        here = [m for m in moments if m.data == name and m.layer == 1]
        end = max(m.epoch for m in here)
        cells = []
        for rule in rules:
            found = [m.log_likelihood for m in here if m.rule == rule and m.epoch == end]
            spread = f"<br><small>{min(found):.3f} to {max(found):.3f}</small>" if len(found) > 1 else ""
            cells.append(f"{np.median(found):.3f}{spread}")
        visible, hidden = SUBJECTS[name].sizes[:2]
        best = f"{here[0].best_possible:.3f}"
        row = "".join(f"<td>{cell.replace('-', '−')}</td>" for cell in (*cells, best))
        body.append(f'<tr><th scope="row">{escape(name)}</th><td>{visible}-{hidden}</td>{row}</tr>')
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"
    caption = "<p>log p in nats at the end of the first layer, median over the seeds:</p>"
    return f'{caption}<div class="wide" tabindex="0">{table}</div>'


def _coverage(found: list[Interval]) -> str:
    lines = []
    for count in sorted({one.temperatures for one in found}):
        for backwards, way in ((False, "forwards"), (True, "backwards")):
            held, n, low, high = coverage([o for o in found if (o.temperatures, o.backwards) == (count, backwards)])
            lines.append(
                f"<li>{count} temperatures, {way}: {held} of {n} hold the truth, {held / n:.0%} "
                f"(95 % interval of that share: {low:.0%} to {high:.0%})</li>"
            )
    return f"<ul>{''.join(lines)}</ul>"

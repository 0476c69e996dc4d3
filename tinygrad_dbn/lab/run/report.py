"""report.html: what a run did and what came out, on one page that explains itself."""

from dataclasses import asdict
from itertools import groupby
from typing import Any

from ... import files
from ...datasets import Dataset
from .. import page as html
from ..canvas import Picture
from ..page import escape, minus
from .audit.examine import Figures
from .audit.report import entries
from .description import Description, hyphenated
from .live import nats
from .record import Row

# Each quantity, the claim of the lecture behind it, and what it says.
_QUANTITIES = (
    (
        "log p(x), exact",
        "G1, G2, G5",
        "the logarithm of the probability that the network gives to an example, summed over every "
        "state of its hidden units: no sampling, no estimate. Higher is better. The mean over "
        "examples that were not trained on (held out) says how much of it is learned rather than "
        "memorised; no setting, epoch or model of this run was chosen by them.",
    ),
    (
        "bound",
        "H2, I3",
        "the variational lower bound E_q[log p(x, h)] − E_q[log q(h|x)], h being the first hidden "
        "layer and q the recognition network, a layer of sigmoids. It never exceeds log p(x), and "
        "training a further layer aims at raising it (I2, I5).",
    ),
    (
        "gap = KL(q‖p)",
        "H3, H4",
        "how far q(h|x) is from the true posterior p(h|x). It is exactly what the bound misses, and "
        "zero where q is the posterior: a first layer alone is an RBM, whose q is exact (I4).",
    ),
    (
        "max |residual|",
        "H4",
        "log p(x), the bound and the gap are each computed in their own way, and log p(x) − bound − "
        "KL must be zero. Shown is the largest difference of any single example: what is left is "
        "rounding.",
    ),
    (
        "a new layer",
        "I1, I6",
        "replaces the prior over the layer below. An untrained one changes the model, so log p(x) steps there, "
        "unless it is shaped to start as the transpose of the layer below (I4). A bound may rise while "
        "log p(x) falls: then the gap closes faster than the bound rises.",
    ),
)

_CAPTIONS = {
    "curves": "Every epoch of every layer. The shaded band between log p(x) and its bound is the gap KL(q‖p). Thin, "
    "where it is within reach: the same training by exact maximum likelihood, which samples nothing (G0).",
    "samples": "Left: examples of the data. Right: drawn from the network by Gibbs sampling in its top "
    "RBM and one pass down (G4).",
    "filters": "The weights of each first-layer hidden unit, one scale for all: what turns it on, "
    "and what turns it off.",
    "audit": "Left: annealed importance sampling led up to the model (AIS) and down from it (reverse AIS), held "
    "against the exact log Z. Right: how far CD-k points away from the exact gradient.",
}


def page(
    description: Description,
    rows: tuple[Row, ...],
    data: Dataset,
    pictures: dict[str, Picture],
    reference: tuple[Row, ...] = (),
    found: dict[str, Figures] | None = None,
) -> str:
    """The HTML text. `description` is what run.json holds.

    reference: the rows of exact maximum likelihood. found: what `examine` found, for a run with --audit.
    """
    figures = {name: html.figure(*picture, _CAPTIONS[name]) for name, picture in pictures.items()}
    last = rows[-1]
    stopped = (
        ""
        if description.finished
        else f'<p class="notice">This run was stopped after layer {last.layer}, epoch {last.epoch}. '
        "What follows covers the finished epochs.</p>"
    )
    body = f"""<p class="soft">{escape(data.source)}</p>
{stopped}
{_cards(last, data, reference)}
{figures["curves"]}
<h2>What the figures mean</h2>
<p class="soft">All are in nats and means over the examples; the residual is the largest of any example.
Numbers such as H4 are the claims of H. Larochelle's lecture on deep learning, as this project counts them.</p>
<dl>{"".join(_quantity(*each) for each in _QUANTITIES)}</dl>
<h2>What was learned</h2>
{figures["samples"]}
{figures["filters"]}
{"" if found is None else _examined(found, figures["audit"])}
<h2>Every epoch</h2>
{_history(rows)}
<p class="soft"><small>All digits are in history.csv.</small></p>
<h2>This run</h2>
<pre><code>{escape(command(asdict(description.arguments)))}</code></pre>
{_facts(description)}"""
    return html.page(f"Deep belief network {hyphenated(description.arguments.layers)} on {data.name}", body)


def command(arguments: dict[str, Any]) -> str:
    """The command line that repeats a run bit for bit."""
    words = ["tinygrad-dbn", "lab"]
    for name, value in arguments.items():
        if isinstance(value, bool):
            words += [f"--{name}"] if value else []
            continue
        words += [f"--{name}", hyphenated(value) if name == "layers" else str(value)]
    return " ".join(map(files.quoted, words))


def _cards(last: Row, data: Dataset, reference: tuple[Row, ...]) -> str:
    cards = [("log p(x), train", nats(last.train_log_likelihood))]
    if last.heldout_log_likelihood is not None:
        cards.append(("log p(x), held out", nats(last.heldout_log_likelihood)))
    cards += [("bound, train", nats(last.train_bound)), ("gap KL(q‖p), train", nats(last.train_kl))]
    if reference:
        by_likelihood = reference[-1].heldout_log_likelihood, reference[-1].train_log_likelihood
        part, value = ("held out", by_likelihood[0]) if by_likelihood[0] is not None else ("train", by_likelihood[1])
        cards.append((f"exact maximum likelihood, {part}", nats(value)))
    if data.optimum is not None:
        cards.append(("best possible log p(x)", nats(data.optimum)))
    cards.append(("max |residual|", f"{last.residual:.1e}"))
    return '<div class="cards">' + "".join(
        f'<div class="card"><small>{escape(name)}</small><b>{minus(value)}</b><small>nats</small></div>'
        for name, value in cards
    ) + "</div>"  # fmt: skip


def _quantity(name: str, claims: str, text: str) -> str:
    return f'<dt>{escape(name)} <span class="claim">{claims}</span></dt><dd>{escape(text)}</dd>'


def _examined(found: dict[str, Figures], figure: str) -> str:
    return (
        f"<h2>The model, examined exactly</h2>{figure}"
        f"<dl>{''.join(_quantity(*each) for each in entries(found))}</dl>"
        '<p class="soft"><small>All digits are in audit.json.</small></p>'
    )


def _history(rows: tuple[Row, ...]) -> str:
    heldout = rows[-1].heldout_log_likelihood is not None
    headings = ["layer", "epoch", "log p train", "bound train", "KL train"]
    headings += ["log p held out", "bound held out", "KL held out"] if heldout else []

    def cells(row: Row) -> list[str]:
        figures: list[float | None] = [row.train_log_likelihood, row.train_bound, row.train_kl]
        figures += [row.heldout_log_likelihood, row.heldout_bound, row.heldout_kl] if heldout else []
        texts = [str(row.layer), str(row.epoch), *map(nats, figures), f"{row.residual:.1e}"]
        return [minus(text) for text in texts]

    layers = [[cells(row) for row in layer] for _, layer in groupby(rows, key=lambda row: row.layer)]
    return html.table([*headings, "max |residual|"], *layers)


def _facts(description: Description) -> str:
    facts = asdict(description.arguments) | {"layers": hyphenated(description.arguments.layers)}
    facts |= {"examples": f"{description.data.train} to train, {description.data.heldout} held out"}
    facts |= description.versions | {"seconds": f"{description.seconds:.1f}"}
    lines = "".join(f'<tr><th scope="row">{escape(k)}</th><td>{escape(str(v))}</td></tr>' for k, v in facts.items())
    return f'<table class="facts">{lines}</table>'

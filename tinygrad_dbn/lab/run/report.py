"""report.html: one page that explains itself, needs no network, and is light or dark as its reader is."""

import html
from base64 import b64encode
from dataclasses import asdict
from typing import Any

from ... import files
from ...datasets import Dataset
from .audit.examine import Figures
from .audit.report import entries
from .description import Description
from .live import nats
from .record import Row

Pictures = dict[str, bytes]

# Each quantity, the claim of the lecture behind it, and what it says.
_QUANTITIES = (
    (
        "log p(x), exact",
        "G1, G2, G5",
        "the logarithm of the probability that the network gives to an example, summed over every "
        "state of its hidden units: no sampling, no estimate. Higher is better. The mean over "
        "examples that were not trained on (held out) says how much of it is learned rather than "
        "memorised.",
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
    "curves": "Every epoch of every layer. The shaded band between log p(x) and its bound is the gap KL(q‖p).",
    "samples": "Left: examples of the data. Right: drawn from the network by Gibbs sampling in its top "
    "RBM and one pass down (G4).",
    "filters": "The weights of each first-layer hidden unit, one scale for all: what turns it on, "
    "and what turns it off.",
    "audit": "Left: annealed importance sampling led up to the model (AIS) and down from it (reverse AIS), held "
    "against the exact log Z. Right: how far CD-k points away from the exact gradient.",
}

STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1b1f24; --soft: #59626e; --line: #d5dae1;
  --card: #f5f7f9; --accent: #0072b2; }
@media (prefers-color-scheme: dark) { :root { --paper: #15181d; --ink: #e6e9ee; --soft: #9aa4b1;
  --line: #353c46; --card: #1d2229; --accent: #56b4e9; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem 1rem 4rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .4rem; }
h2 { font-size: 1.15rem; margin: 2.6rem 0 .7rem; }
p { margin: .4rem 0; }
.soft, figcaption, small { color: var(--soft); }
.notice { border-left: 4px solid var(--accent); background: var(--card);
  padding: .6rem .9rem; margin: 1rem 0; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .7rem;
  margin: 1.3rem 0; }
.card { background: var(--card); border-radius: .5rem; padding: .7rem .9rem; }
.card b { display: block; font-size: 1.35rem; font-variant-numeric: tabular-nums; white-space: nowrap; }
figure { margin: 1.2rem 0; }
figure img { display: block; width: 100%; max-width: 52rem; height: auto; }
figcaption { font-size: .9rem; margin-top: .4rem; }
dt { font-weight: 600; margin-top: .8rem; }
dd { margin: 0; max-width: 46rem; }
.claim { color: var(--accent); font-weight: 400; font-size: .85rem; margin-left: .4rem; white-space: nowrap; }
.wide { overflow: auto; max-height: 32rem; border: 1px solid var(--line); border-radius: .5rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .85rem; }
th, td { padding: .3rem .55rem; text-align: right; white-space: nowrap; }
thead th { position: sticky; top: 0; background: var(--card); }
tbody tr.first td { border-top: 2px solid var(--line); }
.facts th { text-align: left; font-weight: 500; color: var(--soft); vertical-align: top; width: 1%; }
.facts td { text-align: left; white-space: normal; overflow-wrap: anywhere; }
code { font: .88em ui-monospace, monospace; }
pre { white-space: pre-wrap; background: var(--card); border-radius: .5rem; padding: .7rem .9rem; }
"""


def page(
    description: Description,
    rows: tuple[Row, ...],
    data: Dataset,
    light: Pictures,
    dark: Pictures,
    found: dict[str, Figures] | None = None,
) -> str:
    """The HTML text. `description` is what run.json holds, `light` and `dark` map a picture's name to its PNG.

    `found` is what `examine` found, for a run with --audit.
    """
    last = rows[-1]
    layers = "-".join(str(size) for size in description.arguments.layers)
    title = f"Deep belief network {layers} on {data.name}"
    stopped = (
        ""
        if description.finished
        else f'<p class="notice">This run was stopped after layer {last.layer}, epoch {last.epoch}. '
        "What follows covers the finished epochs.</p>"
    )
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{STYLE}</style>
<main>
<h1>{escape(title)}</h1>
<p class="soft">{escape(data.source)}</p>
{stopped}
{_cards(last, data)}
{_figure("curves", light, dark)}
<h2>What the figures mean</h2>
<p class="soft">All are in nats and means over the examples; the residual is the largest of any example.
Numbers such as H4 are the claims of H. Larochelle's lecture on deep learning, as this project counts them.</p>
<dl>{"".join(_quantity(*each) for each in _QUANTITIES)}</dl>
<h2>What was learned</h2>
{_figure("samples", light, dark)}
{_figure("filters", light, dark)}
{"" if found is None else _examined(found, light, dark)}
<h2>Every epoch</h2>
{_history(rows)}
<p class="soft"><small>All digits are in history.csv.</small></p>
<h2>This run</h2>
<pre><code>{escape(command(asdict(description.arguments)))}</code></pre>
{_facts(description, data)}
</main>
</html>
"""


def escape(text: str) -> str:
    """Text from outside as HTML that shows it, whatever is in it."""
    return html.escape(files.printable(text))


def command(arguments: dict[str, Any]) -> str:
    """The command line that repeats a run bit for bit."""
    words = ["tinygrad-dbn", "lab"]
    for name, value in arguments.items():
        if isinstance(value, bool):
            words += [f"--{name}"] if value else []
            continue
        words += [f"--{name}", "-".join(map(str, value)) if name == "layers" else str(value)]
    return " ".join(map(files.quoted, words))


def _cards(last: Row, data: Dataset) -> str:
    cards = [("log p(x), train", f"{nats(last.train_log_likelihood)}")]
    if last.heldout_log_likelihood is not None:
        cards.append(("log p(x), held out", nats(last.heldout_log_likelihood)))
    cards += [("bound, train", nats(last.train_bound)), ("gap KL(q‖p), train", nats(last.train_kl))]
    if data.optimum is not None:
        cards.append(("best possible log p(x)", nats(data.optimum)))
    cards.append(("max |residual|", f"{last.residual:.1e}"))
    return '<div class="cards">' + "".join(
        f'<div class="card"><small>{escape(name)}</small><b>{_minus(value)}</b><small>nats</small></div>'
        for name, value in cards
    ) + "</div>"  # fmt: skip


def _figure(name: str, light: Pictures, dark: Pictures) -> str:
    day, night = (f"data:image/png;base64,{b64encode(each[name]).decode()}" for each in (light, dark))
    return (
        f'<figure><picture><source media="(prefers-color-scheme: dark)" srcset="{night}">'
        f'<img alt="{escape(_CAPTIONS[name])}" src="{day}"></picture>'
        f"<figcaption>{escape(_CAPTIONS[name])}</figcaption></figure>"
    )


def _quantity(name: str, claims: str, text: str) -> str:
    return f'<dt>{escape(name)} <span class="claim">{claims}</span></dt><dd>{escape(text)}</dd>'


def _examined(found: dict[str, Figures], light: Pictures, dark: Pictures) -> str:
    return (
        f"<h2>The model, examined exactly</h2>{_figure('audit', light, dark)}"
        f"<dl>{''.join(_quantity(*each) for each in entries(found))}</dl>"
        '<p class="soft"><small>All digits are in audit.json.</small></p>'
    )


def _history(rows: tuple[Row, ...]) -> str:
    heldout = rows[-1].heldout_log_likelihood is not None
    names = ["layer", "epoch", "log p train", "bound train", "KL train"]
    names += ["log p held out", "bound held out", "KL held out"] if heldout else []
    head = "".join(f'<th scope="col">{name}</th>' for name in [*names, "max |residual|"])
    body = []
    for row in rows:
        figures = [row.train_log_likelihood, row.train_bound, row.train_kl]
        extra = [row.heldout_log_likelihood, row.heldout_bound, row.heldout_kl] if heldout else []
        cells = [
            str(row.layer),
            str(row.epoch),
            *(nats(each) for each in [*figures, *extra]),
            f"{row.residual:.1e}",
        ]
        kind = ' class="first"' if row.epoch == 0 and row.layer > 1 else ""
        body.append(f"<tr{kind}>" + "".join(f"<td>{_minus(cell)}</td>" for cell in cells) + "</tr>")
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"
    return f'<div class="wide" tabindex="0">{table}</div>'


def _facts(description: Description, data: Dataset) -> str:
    facts = asdict(description.arguments)
    facts["layers"] = "-".join(map(str, facts["layers"]))
    facts |= {"examples": f"{len(data.train)} to train, {0 if data.heldout is None else len(data.heldout)} held out"}
    facts |= description.versions | {"seconds": f"{description.seconds:.1f}"}
    lines = "".join(f'<tr><th scope="row">{escape(k)}</th><td>{escape(str(v))}</td></tr>' for k, v in facts.items())
    return f'<table class="facts">{lines}</table>'


def _minus(text: str) -> str:
    return text.replace("-", "\u2212")

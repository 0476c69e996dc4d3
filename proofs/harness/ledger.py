"""The ledger: pytest ends with one line for each theorem that ran, and says what had to be trusted.

It is built from the test reports alone, so it is the same under pytest-xdist.
"""

from collections import Counter, defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path

from proofs.coq.asked import ACCEPTED, CHANGED, EVERYTHING, NOT_ASKED
from proofs.coq.check import DEFINITIONS
from proofs.harness.lecture import CHAPTERS, CLAIMS
from proofs.harness.record import Run
from proofs.harness.theorem import LEVELS
from tinygrad_dbn import records
from tinygrad_dbn.book.record import FORMAT
from tinygrad_dbn.files import write_atomically

PROOFS = Path(__file__).parents[1]
KERNEL = ("kernel/terms.py", "kernel/substitution.py", "kernel/growth.py", "kernel/arithmetic.py", "kernel/rules.py")
"""What must be trusted for level A, unless Coq checks it."""
COQ = ("coq/statement.py",)
"""What must be trusted besides Coq, and the definitions that its `Prelude.v` begins with, if it does."""
DECIDED = ("decide/zero.py",)
"""What must be trusted for level B."""


@dataclass(frozen=True)
class Entry:
    """What the reports of one theorem add up to; each size it is parametrised over counts."""

    runs: list[tuple[Run, bool]]
    """Each run, and whether it passed."""

    @property
    def statement(self):
        return self.runs[0][0].statement

    @property
    def as_stated(self):
        return [run for run, _ in self.runs if run.version is None]

    @property
    def executed(self):
        """The functions that the theorem as stated called, at all sizes together."""
        return sorted({name for run in self.as_stated for name in run.executed})

    @property
    def derivation(self):
        """The steps of the last size; none for a selection in which the theorem as stated did not run."""
        return self.as_stated[-1].derivation if self.as_stated else ()

    @property
    def refused(self):
        return sum(passed for run, passed in self.runs if run.version is not None)

    @property
    def refusals(self):
        """Why each spoiled version was refused, at the first of the sizes: its name → the `Refusal`."""
        return {run.version: run.refusal for run, _ in reversed(self.runs) if run.refusal}

    @property
    def spoiled(self):
        return max(len(self.runs) - len(self.as_stated), len(self.statement.spoiled))

    @property
    def seconds(self):
        return sum(run.seconds for run, _ in self.runs)

    @property
    def state(self):
        if not all(passed for _, passed in self.runs):
            return "FAILED"
        if {run.version for run, _ in self.runs} != {None, *self.statement.spoiled}:
            return "in part"  # a selection such as `-k holds`
        return {"R": "refuted", "S": "sampled"}.get(self.statement.level, "proved")

    @property
    def checked(self):
        """Who checked a theorem of the kernel; nothing for others."""
        return next((run.checked for run in self.as_stated if run.checked), "")

    @property
    def accepted(self):
        """The digests of the Coq files that Coq accepted of it, at all sizes together."""
        return sorted({digest for run in self.as_stated for digest in run.accepted})

    @property
    def cells(self):
        """The line of the ledger."""
        it = self.statement
        traced = [f"traced from {', '.join(it.traced)}"] * bool(it.traced)
        basis = "; ".join((*traced, *it.trusts, *it.uses))
        refused, seconds = f"{self.refused}/{self.spoiled}", f"{self.seconds:.2f}"
        sentence = it.sentence + (basis and f"  [{basis}]")
        return it.claim, it.level, it.sizes, refused, seconds, self.checked, self.state, sentence


def entries(reports):
    """One `Entry` for each theorem, ordered by claim and level."""
    found = defaultdict(list)
    for report in reports:
        for name, values in getattr(report, "user_properties", ()):
            if name == "theorem" and report.when == "call":
                found[report.nodeid.split("[")[0]].append((Run.of(values), report.passed))
    order = lambda entry: (entry.statement.claim, entry.statement.level, entry.statement.sentence)
    return sorted(map(Entry, found.values()), key=order)


def claims_of(text):
    """The claims that a theorem names: "A1-A3, E1" is A1, A2, A3 and E1."""
    found = []
    for part in text.split(", "):
        first, _, last = part.partition("-")
        found += [f"{first[0]}{n}" for n in range(int(first[1:]), int(last[1:]) + 1)] if last else [first]
    return found


def pytest_addoption(parser):
    parser.addoption("--theorem", metavar="CLAIM", help="run only the theorems of one claim, such as H4")
    parser.addoption("--record", metavar="FILE", help="write what was proved, and how, for the book")
    parser.addoption(
        "--coq", action="store_const", const=EVERYTHING, help="let Coq check all theorems of level A, and spoiled ones"
    )
    parser.addoption(
        "--coq-changed", action="store_const", const=CHANGED, dest="coq",
        help="let Coq check those theorems of level A, as they are stated, that it has not accepted before",
    )  # fmt: skip
    parser.addoption("--coq-file", metavar="FILE", help="write the theorems of level A as one Coq file; with -n0")


def pytest_collection_modifyitems(config, items):
    claim = config.getoption("--theorem")
    if claim is None:
        return

    def names_it(item):
        statement = getattr(getattr(item, "function", None), "theorem", None)
        return statement is not None and claim in claims_of(statement.claim)

    config.hook.pytest_deselected(items=[item for item in items if not names_it(item)])
    items[:] = filter(names_it, items)


def pytest_terminal_summary(terminalreporter):
    reports = (r for key in ("passed", "failed") for r in terminalreporter.stats.get(key, ()))
    ledger = entries(reports)
    if not ledger:
        return
    lines = [
        ("claim", "level", "sizes", "refused", "seconds", "checked by", "state", "sentence"),
        *(e.cells for e in ledger),
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    terminalreporter.section("theorems")
    for *cells, state, sentence in lines:
        aligned = [cell.ljust(width) for cell, width in zip((*cells, state), widths, strict=False)]
        terminalreporter.write_line("  ".join([*aligned, sentence]), red=state == "FAILED")
    states = Counter(entry.state for entry in ledger)
    refused, spoiled = sum(e.refused for e in ledger), sum(e.spoiled for e in ledger)
    summary = ", ".join(f"{n} {state}" for state, n in sorted(states.items()))
    terminalreporter.write_line(
        f"{len(ledger)} theorems: {summary}; {refused}/{spoiled} spoiled versions refused; "
        f"{sum(e.seconds for e in ledger):.2f} s"
    )
    kinds = Counter(run.refusal.kind for entry in ledger for run, _ in entry.runs if run.refusal)
    terminalreporter.write_line(f"refused by: {', '.join(f'{kind} {n}' for kind, n in sorted(kinds.items()))}")
    for checked, count in sorted(Counter(entry.checked for entry in ledger).items()):
        of = f"checked by {checked}" if checked else "of other levels"
        terminalreporter.write_line(f"trusted for {count} theorems {of}: {trusted()[checked]}")
    if record := terminalreporter.config.getoption("record"):
        write_atomically(record, records.seal(FORMAT, recorded(ledger), indent=1))


def trusted():
    """What must be trusted, by who checked a theorem; for other levels, by ""."""
    return {
        ACCEPTED: f"{_sizes(COQ)}, the {DEFINITIONS} definitions of proofs/coq/Prelude.v, Coq and its reals",
        NOT_ASKED: f"{_sizes(KERNEL)}, and SymPy's polynomials; pytest proofs --coq asks Coq",
        "": f"{_sizes(DECIDED)}, and what it says it trusts",
    }


def recorded(ledger):
    """All that the book says, as plain values: the claims, and each theorem with what its run left."""
    return {
        "chapters": CHAPTERS,
        "claims": [asdict(claim) for claim in CLAIMS],
        "levels": LEVELS,
        "trusted": [f"{checked or 'other levels'}: {base}" for checked, base in trusted().items()],
        "theorems": [
            {
                **asdict(entry.statement),
                "claims": claims_of(entry.statement.claim),
                "state": entry.state,
                "refused": entry.refused,
                "versions": entry.spoiled,
                "seconds": entry.seconds,
                "refusals": {name: asdict(refusal) for name, refusal in entry.refusals.items()},
                "executed": entry.executed,
                "derivation": entry.derivation,
                "checked": entry.checked,
                "accepted": entry.accepted,
            }
            for entry in ledger
        ],
    }


def _sizes(names):
    lines = {name: (PROOFS / name).read_text().count("\n") for name in names}
    return ", ".join(f"proofs/{name} ({n} lines)" for name, n in lines.items())

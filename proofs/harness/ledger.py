"""The ledger: pytest ends with one line for each theorem that ran, and says what had to be trusted.

It is built from the test reports alone, so it is the same under pytest-xdist.
"""

from collections import Counter, defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path

from proofs.harness.lecture import CHAPTERS, CLAIMS
from proofs.harness.record import Run, Statement
from proofs.harness.theorem import LEVELS
from tinygrad_dbn import records
from tinygrad_dbn.book.record import FORMAT
from tinygrad_dbn.files import write_atomically

TRUSTED = ("kernel/terms.py", "kernel/rules.py", "decide/zero.py")


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
        return "refuted" if self.statement.level == "R" else "proved"

    @property
    def cells(self):
        """The line of the ledger."""
        it = self.statement
        basis = "; ".join((*it.trusts, *it.uses))
        refused, seconds = f"{self.refused}/{self.spoiled}", f"{self.seconds:.2f}"
        return it.claim, it.level, it.sizes, refused, seconds, self.state, it.sentence + (basis and f"  [{basis}]")


def entries(reports):
    """One `Entry` for each theorem, ordered by claim and level."""
    found = defaultdict(list)
    for report in reports:
        for name, values in getattr(report, "user_properties", ()):
            if name == "theorem" and report.when == "call":
                run = Run(**{**values, "statement": Statement(**values["statement"])})
                found[report.nodeid.split("[")[0]].append((run, report.passed))
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
    lines = [("claim", "level", "sizes", "refused", "seconds", "state", "sentence"), *(e.cells for e in ledger)]
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
    terminalreporter.write_line(f"trusted base: {', '.join(map(_size, TRUSTED))}, and what they say they trust")
    if record := terminalreporter.config.getoption("record"):
        write_atomically(record, records.seal(FORMAT, recorded(ledger), indent=1))


def recorded(ledger):
    """All that the book says, as plain values: the claims, and each theorem with what its run left."""
    return {
        "chapters": CHAPTERS,
        "claims": [asdict(claim) for claim in CLAIMS],
        "levels": LEVELS,
        "trusted": [_size(name) for name in TRUSTED],
        "theorems": [
            {
                **asdict(entry.statement),
                "claims": claims_of(entry.statement.claim),
                "state": entry.state,
                "refused": entry.refused,
                "versions": entry.spoiled,
                "seconds": entry.seconds,
                "executed": entry.executed,
                "derivation": entry.derivation,
            }
            for entry in ledger
        ],
    }


def _size(name):
    lines = (Path(__file__).parents[1] / name).read_text().count("\n")
    return f"proofs/{name} ({lines} lines)"

"""The ledger: pytest ends with one line for each theorem that ran, and says what had to be trusted.

It is built from the test reports alone, so it is the same under pytest-xdist.
"""

from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

from proofs.harness.lecture import CHAPTERS, CLAIMS
from proofs.harness.theorem import LEVELS
from tinygrad_dbn import records
from tinygrad_dbn.book.record import FORMAT
from tinygrad_dbn.files import write_atomically

TRUSTED = ("kernel/terms.py", "kernel/rules.py", "decide/zero.py")


@dataclass
class Entry:
    """What the reports of one theorem add up to; each size it is parametrised over counts."""

    about: dict
    outcomes: list = field(default_factory=list)

    def hold(self, record):
        """Keep what the runs of the theorem as stated left, those of all sizes together."""
        executed = {*self.about.get("executed", ()), *record.get("executed", ())}
        self.about = {**self.about, **record, "executed": sorted(executed)}

    @property
    def refused(self):
        return sum(passed for version, passed, _ in self.outcomes if version is not None)

    @property
    def spoiled(self):
        ran = sum(version is not None for version, _, _ in self.outcomes)
        return max(ran, len(self.about["spoiled"]))

    @property
    def seconds(self):
        return sum(seconds for _, _, seconds in self.outcomes)

    @property
    def state(self):
        if not all(passed for _, passed, _ in self.outcomes):
            return "FAILED"
        if {version for version, _, _ in self.outcomes} != {None, *self.about["spoiled"]}:
            return "in part"  # a selection such as `-k holds`
        return "refuted" if self.about["level"] == "R" else "proved"

    @property
    def cells(self):
        basis = [*self.about["trusts"], *self.about["uses"]]
        rests = f"  [{'; '.join(basis)}]" if basis else ""
        return (
            self.about["claim"],
            self.about["level"],
            self.about["sizes"],
            f"{self.refused}/{self.spoiled}",
            f"{self.seconds:.2f}",
            self.state,
            self.about["sentence"] + rests,
        )


def entries(reports):
    """One `Entry` for each theorem, ordered by claim and level."""
    found = {}
    for report in reports:
        for name, record in getattr(report, "user_properties", ()):
            if name == "theorem" and report.when == "call":
                key = report.nodeid.split("[")[0]
                entry = found.setdefault(key, Entry(record))
                if record["version"] is None:
                    entry.hold(record)
                entry.outcomes.append((record["version"], report.passed, record["seconds"]))
    return sorted(found.values(), key=lambda e: (e.about["claim"], e.about["level"], e.about["sentence"]))


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
    about = [getattr(getattr(i, "function", None), "theorem", {}) for i in items]
    wanted = [claim in claims_of(found.get("claim", "")) for found in about]
    config.hook.pytest_deselected(items=[i for i, w in zip(items, wanted, strict=True) if not w])
    items[:] = [i for i, w in zip(items, wanted, strict=True) if w]


def pytest_terminal_summary(terminalreporter):
    reports = (r for key in ("passed", "failed") for r in terminalreporter.stats.get(key, ()))
    ledger = entries(reports)
    if not ledger:
        return
    rows = [
        ("claim", "level", "sizes", "refused", "seconds", "state", "sentence"),
        *(e.cells for e in ledger),
    ]
    widths = [max(len(row[k]) for row in rows) for k in range(6)]
    terminalreporter.section("theorems")
    for row in rows:
        aligned = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=True)]
        failed = row[5] == "FAILED"
        terminalreporter.write_line("  ".join([*aligned, row[-1]]), red=failed)
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
                "derivation": [],  # for a selection in which the theorem as stated did not run
                **{name: value for name, value in entry.about.items() if name != "version"},
                "claims": claims_of(entry.about["claim"]),
                "state": entry.state,
                "refused": entry.refused,
                "versions": entry.spoiled,
                "seconds": entry.seconds,
            }
            for entry in ledger
        ],
    }


def _size(name):
    lines = (Path(__file__).parents[1] / name).read_text().count("\n")
    return f"proofs/{name} ({lines} lines)"

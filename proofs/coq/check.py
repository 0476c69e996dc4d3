"""Asks Coq. A theorem is *checked* if Coq accepts every step of its derivation, on no axioms but those of its own
reals."""

import atexit
import functools
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from proofs.coq.statement import Names, meaning
from proofs.coq.steps import derivation, lemma, name_of

PRELUDE = Path(__file__).with_name("Prelude.v")
DEFINITIONS = len(re.findall("^(?:Definition|Fixpoint)", PRELUDE.read_text(), re.MULTILINE))
"""How many definitions the prelude makes: what sums, folds, bits and equal indices are."""

AXIOMS = ("sig_not_dec", "sig_forall_dec", "functional_extensionality_dep", "classic")
"""The axioms of Coq's own library of real numbers."""

END = "end_of_answer"


class NoCoq(Exception):
    """Coq, or its library Coquelicot, is not installed."""


@dataclass(frozen=True)
class Answer:
    """What Coq says of a theorem: accepted, or the step that it refuses and why."""

    axioms: tuple[str, ...] = ()
    refused: object = None
    message: str = ""

    @property
    def accepted(self):
        return self.refused is None


def file_of(theorems):
    """A Coq file that stands alone, for {name: (theorem, what it says)}: the prelude, a lemma for each step, and each
    theorem with the question on which axioms it rests."""
    steps = derivation(*(thm for thm, _ in theorems.values()))
    out = [PRELUDE.read_text(), *dict(map(lemma, steps)).values()]
    for name, (thm, sentence) in theorems.items():
        comment = sentence.replace("(*", "( *").replace("*)", "* )")
        proof = f"Proof. exact {name_of(thm)}. Qed.\nPrint Assumptions {name}.\n"
        out.append(f"(* What is proved: {comment} *)\nTheorem {name} :\n  {meaning(thm, Names())}.\n{proof}")
    return "\n".join(out)


class Coq:
    """Coq's toplevel, kept running, so that its libraries are loaded once."""

    def __init__(self):
        if not shutil.which("coqtop"):
            raise NoCoq(
                "there is no coqtop: install Coq and Coquelicot (Debian: apt-get install coq libcoq-coquelicot)"
            )
        self.folder = tempfile.TemporaryDirectory()
        self.accepted = set()  # the names of lemmas, which are digests of what they say and why
        (Path(self.folder.name) / "Prelude.v").write_text(PRELUDE.read_text())
        compiled = subprocess.run(["coqc", "-R", ".", "Top", "-w", "none", "Prelude.v"], cwd=self.folder.name,
                                  capture_output=True, text=True, check=False)  # fmt: skip
        if compiled.returncode:
            raise NoCoq(f"the prelude does not compile here: {compiled.stderr.strip()}")
        self.process = subprocess.Popen(
            ["coqtop", "-q", "-R", ".", "Top", "-w", "none"], cwd=self.folder.name, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.ask(f"From Top Require Import Prelude. Definition {END} := tt.")

    def ask(self, command):
        """What Coq writes in answer to a command."""
        self.process.stdin.write(f"{command}\nCheck {END}.\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if line.split("<")[-1].strip() == END:
                break
            lines.append(line)
        self.process.stdout.readline()  # its type
        return "".join(lines)

    def check(self, thm):
        """The `Answer` for a theorem."""
        for step in derivation(thm):
            name, text = lemma(step)
            if name in self.accepted:
                continue
            said = self.ask(text)
            if "Error" in said:
                self.ask("Abort All.")
                return Answer(refused=step, message=said[said.index("Error") :].split("\n\n")[0])
            self.accepted.add(name)
        said = self.ask(f"Print Assumptions {name_of(thm)}.")
        axioms = tuple(sorted(name.rpartition(".")[2] for name in re.findall(r"^([\w.]+)(?: :|$)", said, re.MULTILINE)))
        if not set(axioms) <= set(AXIOMS) or (not axioms and "Closed under the global context" not in said):
            raise RuntimeError(f"the theorem rests on more than Coq's reals: {said}")
        return Answer(axioms)

    def close(self):
        """End Coq."""
        self.process.kill()
        self.folder.cleanup()


@functools.cache
def coq():
    """The one Coq of this process."""
    running = Coq()
    atexit.register(running.close)
    return running

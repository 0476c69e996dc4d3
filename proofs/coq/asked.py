"""What the harness asks of Coq: that it accepts a theorem, and refuses a spoiled one where it is false.

``pytest proofs --coq`` asks about everything. ``pytest proofs --coq-changed`` asks only about theorems whose Coq file
is not one of those that Coq accepted before: the digests of these are kept in `accepted.txt`.
"""

import functools
import hashlib
from pathlib import Path

import pytest

from proofs.coq.check import NoCoq, coq, file_of
from proofs.kernel.machine import verdict
from proofs.kernel.refutation import countermodel

ACCEPTED, NOT_ASKED = "Coq", "kernel only"
EVERYTHING, CHANGED = "everything", "changed"
KEPT = Path(__file__).with_name("accepted.txt")
"""Written by `tinygrad-dbn book --update` from a run in which Coq accepted every theorem: a digest a line, then what is
proved."""


def running():
    """The Coq of this process. Stops the run where there is none."""
    try:
        return coq()
    except NoCoq as error:
        pytest.exit(f"--coq: {error}", returncode=4)


def digest(thm):
    """The SHA-256 of the theorem's Coq file: the prelude, each step with its proof, and what is stated."""
    return hashlib.sha256(file_of({"theorem": (thm, "")}).encode()).hexdigest()


@functools.cache
def accepted_before():
    """The digests of `accepted.txt`."""
    return frozenset(line.split()[0] for line in KEPT.read_text().splitlines() if not line.startswith("#"))


def must_accept(theorems, asking=EVERYTHING):
    """The digests of the theorems. Fail the test unless Coq accepts each, or, asking about what `CHANGED`, has accepted
    its very file before."""
    digests = [digest(thm) for thm in theorems]
    for thm, its_digest in zip(theorems, digests, strict=True):
        if asking == CHANGED and its_digest in accepted_before():
            continue
        answer = running().check(thm)
        if not answer.accepted:
            pytest.fail(
                f"Coq refuses the step {answer.refused} [{answer.refused.rule}]: {answer.message}", pytrace=False
            )
    return digests


def must_refuse(thm):
    """Fail the test unless Coq refuses the theorem, which the rules made with their checks off, at a step that is
    false.

    Or at one that has no value somewhere: it divides by zero.
    """
    answer = running().check(thm)
    if answer.accepted:
        pytest.fail(f"Coq accepts the spoiled theorem {thm}", pytrace=False)
    if not (countermodel(answer.refused) or verdict(answer.refused, models=100)):
        pytest.fail(f"Coq refuses a step that may be true, {answer.refused}: {answer.message}", pytrace=False)

"""What the harness asks of Coq, with ``pytest proofs --coq``: that it accepts a theorem, and refuses a spoiled one
where it is false."""

import pytest

from proofs.coq.check import NoCoq, coq
from proofs.kernel.machine import verdict
from proofs.kernel.refutation import countermodel

ACCEPTED, NOT_ASKED = "Coq", "kernel only"


def running():
    """The Coq of this process. Stops the run where there is none."""
    try:
        return coq()
    except NoCoq as error:
        pytest.exit(f"--coq: {error}", returncode=4)


def must_accept(theorems):
    """Fail the test unless Coq accepts each."""
    for thm in theorems:
        answer = running().check(thm)
        if not answer.accepted:
            pytest.fail(
                f"Coq refuses the step {answer.refused} [{answer.refused.rule}]: {answer.message}", pytrace=False
            )


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

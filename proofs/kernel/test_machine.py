"""The machine finds no false theorem; with any check of the kernel switched off, it finds one."""

from contextlib import suppress
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings

from proofs.harness.theorem import mutated
from proofs.kernel import growth, rules, substitution, terms
from proofs.kernel.guards import guards, watched
from proofs.kernel.machine import verdict
from proofs.kernel.machine_rules import Theorems, plans

BUDGET = 20_000
"""How many plans the machine may make to find the theorems that are false without a check."""


@settings(max_examples=20 * settings.default.max_examples, suppress_health_check=list(HealthCheck))
@given(plans)
def test_every_theorem_is_true(plan):
    thm = _made(plan)
    assert thm is None or (wrong := verdict(thm)) is None, f"{thm}: {wrong}"


def _made(plan):
    """The theorem that was planned; None if it is refused."""
    with suppress(Exception):
        return plan()


def random_plans(seed):
    """Plans that depend on no version of Hypothesis."""
    random = Random(seed)
    return (Theorems(random.randbytes(300)).theorem() for _ in range(BUDGET))


def test_without_any_of_the_checks_a_false_theorem_is_found():
    # A plan that fails no check is the same without it: so each plan is made once, and again without what it failed.
    missing = dict(guards())
    with watched() as (off, refused):
        for plan in random_plans(0):
            refused.clear()
            _made(plan)
            for check in missing.keys() & refused:
                off.add(check)
                thm = _made(plan)
                off.clear()
                if thm is not None and verdict(thm, models=12) is not None:
                    del missing[check]
            if not missing:
                break
    assert not missing


HOLES = {
    "the sign of a fold's state is not kept": mutated(
        terms.Fold, "__post_init__", "fits(self.state, self.params, self.step)", "_terms(self.step)"
    ),
    "what takes a family's place need not have its sign": mutated(
        terms, "fits", "guard(body.sign >= family.sign,", "guard(True,"
    ),
    "what is bound twice is numbered once": mutated(
        terms, "_deeper", "max(bound.values(), default=-1) + 1", "len(bound)"
    ),
    "a substitution captures": mutated(substitution, "put", "e = _apart(e, arriving)", "pass"),
    "a state's bit is forgotten": mutated(growth, "_grown", 'get(state) in ("on", "1")', 'get(state) == "on"'),
    "a slope is forgotten": mutated(rules, "derivative", "return e * again(of)", "return e"),
    "a sum is strict where its parts are not": mutated(
        rules, "total", "thm.rel,", 'thm.rel.replace(">=", ">"),'
    ),
}  # fmt: skip


@pytest.mark.parametrize("hole", HOLES)
def test_a_hole_put_back_is_found(hole, monkeypatch):
    HOLES[hole](monkeypatch)
    for plan in random_plans(1):
        thm = _made(plan)
        if thm is not None and verdict(thm) is not None:
            return
    pytest.fail("every theorem was true")

"""The theorem machinery is tested on theorems that hold, that are accepted although spoiled, and that
crash."""

import json
import re
from fractions import Fraction

import pytest
import sympy
from flint import arb

from proofs.decide.zero import Undecided
from proofs.harness.evidence import Refuted, require, require_at_most, require_different, require_equal
from proofs.harness.formulas import different_formulas, equal_formulas

X = sympy.Symbol("x", real=True)

HEADER = """
import sys, types
import pytest
import numpy as np
import sympy
from proofs.harness.evidence import require_at_most, require_different, require_equal
from proofs.harness.formulas import different_formulas, equal_formulas
from proofs.harness.theorem import Refuted, Spoiled, mutated, require, theorem
import shop

def claim(*spoiled, **more):
    about = dict(claim="Z1", level="B", sizes="n = 2", spoiled=spoiled) | more
    return theorem("doubling doubles", **about)
"""
SHOP = """
class Shop:
    bias = 1
    def double(self, x):
        return 2 * x + self.bias - 1
    @property
    def price(self):
        return self.bias + 1
    @staticmethod
    def half(x, by=2):
        return x / by

def closure(n):
    return lambda x: x + n

add_one = closure(1)
"""


@pytest.fixture
def outcome(pytester):
    """Run a test file against a shop, with the ledger: the result of the run."""

    def run(text, *options):
        pytester.makepyfile(shop=SHOP)
        pytester.makepyfile(test_it=HEADER + text)
        pytester.syspathinsert()
        return pytester.runpytest("-p", "proofs.harness.ledger", "-p", "no:cacheprovider", *options)

    return run


HOLDS = """
@claim(Spoiled("tripled", factor=3), Spoiled("sign", mutated(shop.Shop, "double", "2 * x +", "2 * x -")),
       Spoiled("bias", lambda monkeypatch: monkeypatch.setattr(shop.Shop, "bias", 5)))
def test_double(factor=2):
    require(shop.Shop().double(3) == factor * 3, "2 · 3", found=shop.Shop().double(3))
"""


def test_a_theorem_that_holds_is_green_and_entered(outcome):
    result = outcome(HOLDS)
    result.assert_outcomes(passed=4)
    result.stdout.re_match_lines(
        [r"Z1 +B +n = 2 +3/3 +0\.\d\d +proved +doubling doubles", r"1 theorems: 1 proved; 3/3 .*"]
    )
    result.stdout.fnmatch_lines("trusted for 1 theorems of other levels: proofs/decide/zero.py (* lines)*")


def test_level_r_is_entered_as_refuted(outcome):
    result = outcome(HOLDS.replace("@claim(", "@claim(level='R', *[").replace("5)))", "5))])"))
    result.stdout.re_match_lines([r"Z1 +R .* 3/3 .* refuted .*"])


def test_level_s_is_entered_as_sampled(outcome):
    result = outcome(HOLDS.replace("@claim(", "@claim(level='S', *[").replace("5)))", "5))])"))
    result.stdout.re_match_lines([r"Z1 +S .* 3/3 .* sampled .*"])


def test_the_shipped_code_is_restored(outcome):
    result = outcome(HOLDS + "\n\ndef test_after():\n    assert shop.Shop().double(3) == 6\n")
    result.assert_outcomes(passed=5)


def test_a_spoiled_version_that_is_accepted_is_red(outcome):
    result = outcome("@claim(Spoiled('none', flag=True))\ndef test_it(flag=False):\n    require(True, '')\n")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.re_match_lines([r".*'none' was accepted", r"Z1 .* 0/1 .* FAILED .*"])


def test_a_spoiled_version_that_is_refused_without_a_witness_is_red(outcome):
    result = outcome(
        "@claim(Spoiled('bare', flag=True))\ndef test_it(flag=False):\n    require(not flag, 'it is so')\n"
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.re_match_lines([r".*'bare' was refused without a witness: it is so", r"Z1 .* 0/1 .* FAILED .*"])


TRACED = """
from proofs.harness.record import TRACES, noted

@claim(Spoiled("sign", mutated(shop.Shop, "double", "2 * x +", "2 * x -")), traced=[shop.Shop.double, shop.Shop.half])
def test_double():
    with noted(TRACES.get()):
        found = shop.Shop().double(3)
    require(found == 6, "2 · 3", found=found)
    shop.Shop.half(3)
"""


def test_a_function_that_no_trace_calls_is_not_traced(outcome):
    result = outcome(TRACED)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.re_match_lines(
        [r".*it says that it traces shop.Shop.half, and no trace .* calls that: trace it, or .*"]
    )
    outcome(TRACED.replace(", shop.Shop.half]", "]")).assert_outcomes(passed=2)


COMPARED = """
x, y = sympy.symbols("x y", real=True)
COMPARE = {
    "value": lambda a: require_equal([1, 2 + a], [1, 2], "numbers"),
    "bound": lambda a: require_at_most(1 + a, 1, "a number"),
    "agreement": lambda a: require_different([1, 2 - a], [1, 1], "numbers"),
    "formula": lambda a: equal_formulas([x, x + a * y], [x, x], "formulas", {x - 1: 1}),
    "identity": lambda a: different_formulas([x + 1 - a], [x], "formulas"),
}

@pytest.mark.parametrize("name", COMPARE)
@claim(Spoiled("one more", a=1))
def test_it(name, a=0):
    COMPARE[name](a)
"""


def test_every_comparison_shows_what_it_found(outcome, tmp_path):
    result = outcome(COMPARED, f"--record={tmp_path / 'record'}", "-rA")
    result.assert_outcomes(passed=10)
    result.stdout.re_match_lines([r"refused by: agreement 2, bound 1, formula 1, value 1"])
    (theorem,) = json.loads((tmp_path / "record").read_text())["theorems"]
    assert theorem["refusals"] == {"one more": {"kind": "value", "what": "numbers[1]", "witness": "3, not 2"}}


@pytest.mark.parametrize(
    ("compare", "witness"),
    [
        (lambda: require(False, "so", found=3), "found = 3"),
        (lambda: require_equal([[1, 2]], [[1, 3]], "so"), "2, not 3"),
        (
            lambda: require_at_most(arb("0.5", "0.1"), arb("0.3"), "so"),
            r"\[0.50* \+/- 0.1.*\] is more than \[0.30* \+/- .*\]",
        ),
        (lambda: require_different([Fraction(1, 2)], [Fraction(2, 4)], "so"), "all 1 entries agree: 1/2"),
        (lambda: equal_formulas(2 * X, X, "so", {X: -1}), r"the two differ by \[-.* at x = -.*"),
        (lambda: different_formulas(X + X, 2 * X, "so"), r"all 1 entries agree identically.*"),
    ],
)
def test_the_witness(compare, witness):
    with pytest.raises(Refuted) as refused:
        compare()
    assert refused.value.refusal.what.startswith("so")
    assert re.fullmatch(witness, refused.value.refusal.witness)


@pytest.mark.parametrize(
    ("compare", "error"),
    [
        (lambda: require_at_most(arb("0.5", "0.4"), arb("0.3"), "so"), ValueError),  # they overlap
        (lambda: require_at_most(float("nan"), 1.0, "so"), ValueError),
        (lambda: require_equal(arb("0.5", "0.4"), arb("0.5"), "so"), ValueError),
        (lambda: require_equal([1, 2], [1, 2, 3], "so"), ValueError),  # another shape
        (lambda: equal_formulas([X], [X, X], "so"), ValueError),
        (lambda: equal_formulas(2 * X, X, "so", {X: 1, -X: 1}), Undecided),  # on a branch that is empty
    ],
)
def test_what_is_not_decided_is_no_refutation(compare, error):
    with pytest.raises(error):
        compare()


@pytest.mark.parametrize("crash", ["TypeError", "AssertionError", "LookupError"])
def test_a_spoiled_version_that_crashes_is_red(outcome, crash):
    result = outcome(
        f"@claim(Spoiled('crash', flag=True))\ndef test_it(flag=False):\n    if flag: raise {crash}('no')\n"
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.re_match_lines([r"Z1 .* FAILED .*"])


def test_the_kernel_s_refusal_counts(outcome):
    result = outcome(
        "from proofs.kernel.rules import combine\n"
        "@claim(Spoiled('one', value=1))\ndef test_it(value=0):\n    return combine(value, '==', 0)\n"
    )
    result.assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("@claim()\ndef test_it(): pass", "*lists no spoiled versions*"),
        ("@claim(Spoiled('nothing'))\ndef test_it(): pass", "*spoils nothing*"),
        ("@claim(Spoiled('x', other=1))\ndef test_it(): pass", "*sets a keyword that test_it lacks*"),
        ("@claim(Spoiled('x', a=1), Spoiled('x', a=2))\ndef test_it(a=0): pass", "*two spoiled versions*"),
        ("@claim(Spoiled('x', a=1), level='Q')\ndef test_it(a=0): pass", "*level 'Q' is none of*"),
    ],
)
def test_refused_at_collection(outcome, text, message):
    result = outcome(text)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(message)


@pytest.mark.parametrize(
    ("target", "old", "new", "expected"),
    [
        ("shop.Shop, 'price'", "+ 1", "+ 2", "shop.Shop().price == 3"),
        ("shop.Shop, 'half'", "by=2", "by=4", "shop.Shop.half(4) == 1"),
    ],
)
def test_mutated_reaches(outcome, target, old, new, expected):
    spoil = f"mutated({target}, {old!r}, {new!r})(monkeypatch)"
    text = f"def test_it(monkeypatch):\n    {spoil}\n    assert {expected}\n"
    outcome(text).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("target", "old", "error"),
    [
        ("shop.Shop, 'double'", "absent", "LookupError"),
        ("shop.Shop, 'double'", "x", "LookupError"),
        ("shop, 'add_one'", "+", "TypeError"),
        ("shop.Shop, 'bias'", "1", "TypeError"),
    ],
)
def test_mutated_refuses(outcome, target, old, error):
    spoil = f"mutated({target}, {old!r}, '')(monkeypatch)"
    text = f"def test_it(monkeypatch):\n    with pytest.raises({error}):\n        {spoil}\n"
    outcome(text).assert_outcomes(passed=1)


SIZES = """
@pytest.mark.parametrize("n", [1, 2])
@claim(Spoiled("tripled", factor=3))
def test_double(n, factor=2):
    require_equal(shop.Shop().double(n), factor * n, "twice n")
"""


def test_sizes_are_added_up(outcome):
    result = outcome(SIZES)
    result.assert_outcomes(passed=4)
    result.stdout.re_match_lines([r"Z1 .* 2/2 .* proved .*"])


def test_the_ledger_survives_xdist(outcome):
    pytest.importorskip("xdist")
    result = outcome(HOLDS + SIZES, "-n", "1")
    result.stdout.re_match_lines([r"Z1 .* 2/2 .* proved .*"])


def test_selection_by_claim(outcome):
    result = outcome(HOLDS + "\ndef test_other(): pass\n", "--theorem", "Z2")
    result.assert_outcomes(deselected=5)
    outcome(HOLDS, "--theorem", "Z1").assert_outcomes(passed=4)


def test_a_selection_of_versions_is_not_called_proved(outcome):
    outcome(HOLDS, "-k", "holds").stdout.re_match_lines([r"Z1 .* 0/3 .* in part .*"])

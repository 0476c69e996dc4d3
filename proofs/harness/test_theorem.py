"""The theorem machinery is tested on theorems that hold, that are accepted although spoiled, and that
crash."""

import pytest

import proofs.harness.theorem  # noqa: F401  (pytester forgets what a run imports: SymPy is to be imported once)

HEADER = """
import sys, types
import pytest
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
    require(shop.Shop().double(3) == factor * 3)
"""


def test_a_theorem_that_holds_is_green_and_entered(outcome):
    result = outcome(HOLDS)
    result.assert_outcomes(passed=4)
    result.stdout.re_match_lines(
        [r"Z1 +B +n = 2 +3/3 +0\.\d\d +proved +doubling doubles", r"1 theorems: 1 proved; 3/3 .*"]
    )
    result.stdout.fnmatch_lines("trusted base: proofs/kernel/terms.py (* lines), proofs/kernel/rules.py (* lines)*")


def test_level_r_is_entered_as_refuted(outcome):
    result = outcome(HOLDS.replace("@claim(", "@claim(level='R', *[").replace("5)))", "5))])"))
    result.stdout.re_match_lines([r"Z1 +R .* 3/3 .* refuted .*"])


def test_the_shipped_code_is_restored(outcome):
    result = outcome(HOLDS + "\n\ndef test_after():\n    assert shop.Shop().double(3) == 6\n")
    result.assert_outcomes(passed=5)


def test_a_spoiled_version_that_is_accepted_is_red(outcome):
    result = outcome("@claim(Spoiled('none', flag=True))\ndef test_it(flag=False):\n    require(True)\n")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.re_match_lines([r".*'none' was accepted", r"Z1 .* 0/1 .* FAILED .*"])


@pytest.mark.parametrize("crash", ["TypeError", "AssertionError", "LookupError"])
def test_a_spoiled_version_that_crashes_is_red(outcome, crash):
    result = outcome(
        f"@claim(Spoiled('crash', flag=True))\ndef test_it(flag=False):\n    if flag: raise {crash}('no')\n"
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.re_match_lines([r"Z1 .* FAILED .*"])


def test_the_kernel_s_refusal_counts(outcome):
    result = outcome(
        "from proofs.kernel.rules import ring\n"
        "@claim(Spoiled('one', value=1))\ndef test_it(value=0):\n    ring(value)\n"
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
    require(shop.Shop().double(n) == factor * n)
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

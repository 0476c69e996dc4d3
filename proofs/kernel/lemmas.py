"""Lemmas that several chapters use. Nothing here is trusted: each is derived by the rules, whenever it is asked for."""

from proofs.kernel.derived import by_cases, derive, induction, ring, summed
from proofs.kernel.normal import T, t
from proofs.kernel.rules import combine, evident, exp_of_log, inst, tangent, total, touches
from proofs.kernel.substitution import put
from proofs.kernel.terms import NONNEGATIVE, POSITIVE, Bit, Same, Sum, exp, families, log, numbers

# --- exp and log --------------------------------------------------------------------------------------------


def log_below_tangent(a=T):
    """``a − 1 >= log a`` for a > 0: the tangent at 1 lies above the logarithm."""
    thm = combine(T - 1, ">=", log(T), (1, tangent(log(T))), (-1, exp_of_log(T)))
    return inst(thm, {t: a})


def log_touches_tangent(thm, a):
    """From ``a − 1 == log a``: ``a == 1``."""
    zero = touches(combine(exp(log(a)), "==", 1 + log(a), (1, exp_of_log(a)), (1, thm)))
    return combine(a, "==", 1, (1, thm), (1, zero))


def log_of_ratio(q, r):
    """``q log(q/r) == q log q − q log r`` for q >= 0 and r > 0: at q = 0 all are 0."""
    (some,), (other,) = numbers("q", sign=NONNEGATIVE), numbers("r", sign=POSITIVE)
    thm = by_cases(some * log(some / other), "==", some * log(some) - some * log(other), some)
    return inst(thm, {some.family: q, other.family: r})


def divergence_of_a_state(q, r, middle=None):
    """``q log q − q log r >= 2 q − s − q r / s`` for q >= 0 and r > 0, where s > 0 is the middle, or r.

    With r for s, the right side is q − r; with (q + r)/2 for s, it is that and (q − r)² / 2(q + r).
    """
    (some,), (other, s) = numbers("q", sign=NONNEGATIVE), numbers("r s", sign=POSITIVE)

    def at_zero(case):
        return derive(case.left, ">=", case.right, (1, evident(s)))

    def above(case):
        (q,) = numbers("q", sign=POSITIVE)
        tangents = [(q, log_below_tangent(point)) for point in (other / s, s / q)]
        return derive(case.left, ">=", case.right, *tangents)

    left, right = some * log(some) - some * log(other), 2 * some - s - some * other / s
    thm = by_cases(left, ">=", right, some, at_zero, above)
    return inst(thm, {some.family: q, other.family: r, s.family: middle or r})


def log_likelihood_rises(share, conditional, before, after, x, h):
    """``Σ_x w log Σ_h c ρ − Σ_x w log Σ_h c π >= Σ_x w Σ_h q (log ρ − log π)``, q being c π / Σ_h c π.

    w >= 0 is an example's share of the data, c(x, h) = p(x|h), and π and ρ are p(h) before and after.
    """
    old, new = conditional(x, h) * before(h), conditional(x, h) * after(h)
    q = old / Sum(old, h)
    change = log(Sum(new, h)) - log(Sum(old, h))
    gain = Sum(q * (log(after(h)) - log(before(h))), h)
    one = derive(change, ">=", gain, (1, total(divergence_of_a_state(q, new / Sum(new, h)), h)))
    left = Sum(share(x) * log(Sum(new, h)), x) - Sum(share(x) * log(Sum(old, h)), x)
    return derive(left, ">=", Sum(share(x) * gain, x), (1, summed(one, x, share(x))))


# --- units that are on or off ---------------------------------------------------------------------------------


def sigmoid(a):
    """1 / (1 + exp(−a))."""
    return 1 / (1 + exp(-a))


def layer(s, j, a):
    """Π_j sigm(a_j)^s_j (1 − sigm(a_j))^(1 − s_j), the probability of the state s of sigmoid units; 1 − sigm(a) is
    sigm(−a)."""
    return exp(Sum(Bit(s, j) * log(sigmoid(a)) + (1 - Bit(s, j)) * log(sigmoid(-a)), j))


def cube_sum(s, j, a):
    """``Σ_s exp(Σ_j s_j a_j) == exp(Σ_j log(1 + exp a_j))``, s over {0,1}^J."""
    (field,) = families("field", j.set)
    thm = induction(Sum(exp(Sum(Bit(s, j) * field(j), j)), s), "==", exp(Sum(log(1 + exp(field(j))), j)), j.set)
    return inst(thm, {field: ((j,), a)})


def layer_sums_to_one(s, j, a):
    """``Σ_s layer(s) == 1``."""
    return ring(Sum(layer(s, j, a), s), 1, cube_sum(s, j, a))


def cube_mean(s, j, a, n):
    """``Σ_s s_n exp(Σ_j s_j a_j) == sigm(a_n) exp(Σ_j log(1 + exp a_j))``, s over {0,1}^J."""
    field, share = families("field share", j.set)
    closed = cube_sum(s, j, field(j))
    mean = Sum(Sum(share(j) * Bit(s, j), j) * exp(Sum(Bit(s, j) * field(j), j)), s)
    right = closed.right * Sum(share(j) * sigmoid(field(j)), j)
    thm = induction(mean, "==", right, j.set, step=lambda more, so_far: ring(more.left, more.right, so_far, closed))
    thm = inst(thm, {share: ((j,), Same(j, n)), field: ((j,), a)})
    at_n = sigmoid(put(a, {}, {j: n}))
    return ring(Sum(Bit(s, n) * exp(Sum(Bit(s, j) * a, j)), s), closed_of(a, j) * at_n, thm)


def closed_of(a, j):
    """Π_j (1 + exp a_j)."""
    return exp(Sum(log(1 + exp(a)), j))

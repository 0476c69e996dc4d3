"""Tactics that follow the shape of a term: equals within it, its derivative, and itself for one element more.

Nothing here is trusted.
"""

from proofs.coq.statement import applied, fold, function, show
from proofs.kernel.growth import part
from proofs.kernel.rules import derivative
from proofs.kernel.terms import Add, App, Bit, Cube, Exp, Fold, Log, Mul, Pow, Same, Sum

SYMBOL = {Add: ("+", "Rplus"), Mul: ("*", "Rmult")}


def congruence(e, scope, replaced):
    """A tactic for ``e = e'``. replaced(e, scope): a tactic for a part that changes, or None."""
    found = replaced(e, scope)
    if found:
        return found
    again = lambda body, scope=scope: congruence(body, scope, replaced)
    match e:
        case Add(parts) | Mul(parts):
            out = again(parts[0])
            for one in parts[1:]:
                out = _both(e, out, again(one))
            return out
        case Pow(base, exponent):
            return "; ".join(
                ["apply f_equal"] * (exponent < 0) + ["apply pow_eq"] * (abs(exponent) != 1) + [again(base)]
            )
        case Exp(of) | Log(of):
            return f"apply f_equal; {again(of)}"
        case Sum(body, index):
            (name,), inner = scope.bind(index)
            return f"apply Sigma_ext; intros {name} ?; {again(body, inner)}"
    return "reflexivity"


def _both(e, first, second):
    if first == second == "reflexivity":
        return first
    return f"apply (f_equal2 {SYMBOL[type(e)][1]}); [{first} | {second}]"


def is_derive(e, by, at, scope):
    """A tactic for ``is_derive (fun by => e) at d``, where d is `derivative` at that place, a text."""
    (name,), inside = scope.bind(by)
    place = scope.with_texts({by: lambda: at})
    f = lambda body: f"(fun {name} => {show(body, inside)})"
    d = lambda body: show(derivative(body, by), place)
    again = lambda body: is_derive(body, by, at, scope)
    if by not in e.free:
        return "apply D_const"
    match e:
        case App():
            return "apply D_id"
        case Add(parts) | Mul(parts):
            if len(parts) == 1:
                return again(parts[0])
            head, last = type(e)(parts[:-1]) if len(parts) > 2 else parts[0], parts[-1]
            lemma = "D_plus" if type(e) is Add else "D_mult"
            rule = f"apply ({lemma} {f(head)} {f(last)} {at} {d(head)} {d(last)}); [{again(head)} | {again(last)}]"
        case Pow(base, exponent) if exponent > 0:
            rule = f"apply (D_pow {f(base)} {at} {d(base)}); {again(base)}"
        case Pow(base, exponent):
            power = Pow(base, -exponent) if exponent < -1 else base
            rule = f"apply (D_inv {f(power)} {at} {d(power)}); [{again(power)} | cbv beta; pos]"
        case Exp(of):
            rule = f"apply (D_exp {f(of)} {at} {d(of)}); {again(of)}"
        case Log(of):
            rule = f"apply (D_ln {f(of)} {at} {d(of)}); [{again(of)} | cbv beta; pos]"
        case Sum(body, index):
            (i,), inner = scope.bind(index)
            (x,), within = inner.bind(by)
            slopes = f"(fun {i} => {show(derivative(body, by), inner.with_texts({by: lambda: at}))})"
            return (f"apply (D_sum {scope.size(index.set)} (fun {i} {x} => {show(body, within)}) {at} {slopes}); "
                    f"intros {i} ?; {is_derive(body, by, at, inner)}")  # fmt: skip
        case _:
            return "fail"
    return f"eapply is_derive_eq; [{rule} | cbv beta; cbn [INR Nat.pred]; fld]"


class Grown:
    """What a term for one more element of a set unfolds to, as `proofs.kernel.rules.grown` says: a text, and why.

    size: how many elements there were, a text; None if the one element is the first. parts: what the families are that
    `grown` makes, as texts.
    """

    def __init__(self, over, size):
        self.over, self.size, self.parts = over, size, {}
        self.marks, self.names = {}, {}  # of each index over the set or its states that is bound around: part and name

    def __call__(self, e, scope):
        """(text, a tactic for ``e = text``)."""
        match e:
            case App(family, at):
                return self.family(e, family, at, scope)
            case Bit(state, unit) if unit.set == self.over:
                return self.bit(e, self.marks.get(state, ""), self.marks.get(unit, ""), scope)
            case Same(left, right) if left.set in (self.over, Cube(self.over)):
                return self.same(e, self.marks.get(left, ""), self.marks.get(right, ""), scope)
            case Sum(body, index) if index.set in (self.over, Cube(self.over)):
                return self.sum(body, index, scope)
            case Sum(body, index):
                (name,), inner = scope.bind(index)
                text, proof = self(body, inner)
                return f"(Sigma {scope.size(index.set)} (fun {name} => {text}))", _under(
                    f"apply Sigma_ext; intros {name} ?", proof
                )
            case Fold() if e.over.set == self.over:
                return self.fold(e, scope)
            case Add(parts) | Mul(parts):
                texts, proofs = zip(*(self(one, scope) for one in parts), strict=True)
                out = proofs[0]
                for proof in proofs[1:]:
                    out = _both(e, out, proof)
                return f"({f' {SYMBOL[type(e)][0]} '.join(texts)})", out
            case Pow(base, exponent):
                text, proof = self(base, scope)
                power = text if abs(exponent) == 1 else f"({text} ^ {abs(exponent)})"
                steps = ["apply f_equal"] * (exponent < 0) + ["apply pow_eq"] * (abs(exponent) != 1)
                return power if exponent > 0 else f"(/ {power})", _under("; ".join(steps), proof)
            case Exp(of) | Log(of):
                text, proof = self(of, scope)
                return f"({'exp' if type(e) is Exp else 'ln'} {text})", _under("apply f_equal", proof)
        return show(e, scope), "reflexivity"

    def family(self, e, family, at, scope):
        found = [self.marks.get(i, "") for i in at]
        if any(found):
            kept = [i for i, mark in zip(at, found, strict=True) if mark in ("", "on")]
            names = [f"x{k}" for k in range(len(kept))]
            here = {i: self.place(self.marks.get(i, ""), name) for i, name in zip(kept, names, strict=True)}
            text = show(e, scope.with_texts(here))
            self.parts[part(family, *found)] = f"(fun {' '.join(names)} => {text})" if names else text
        return show(e, scope), "reflexivity"

    def place(self, mark, name):
        """The text of an index over the set, or over its states, in the part that is marked."""
        return {"": name, "on": f"(2 ^ {self.size} + {name})%nat", "n": self.size, "0": "0%nat", "1": "1%nat"}[mark]

    def bit(self, e, state, unit, scope):
        if unit == "n":
            return ("1", "apply bit_on; bound") if state == "on" else ("0", "apply bit_off; bound")
        if unit == "0":
            return state, "reflexivity"
        if state == "on":
            return f"(bit {self.names[e.state]} {scope.texts[e.unit]})", "apply bit_low; bound"
        return show(e, scope), "reflexivity"

    def same(self, e, left, right, scope):
        if left != right:
            return "0", "apply same_none; lia"
        if left == "on":
            return f"(same {self.names[e.left]} {self.names[e.right]})", "apply same_shift"
        return (show(e, scope), "reflexivity") if left == "" else ("1", "apply same_refl")

    def sum(self, body, index, scope):
        over, first = index.set == self.over, self.size is None
        (name,), inner = scope.bind(index)
        marks, names, halves = self.marks, self.names, []
        for mark in (("0",) if over else ("0", "1")) if first else ("", "n" if over else "on"):
            self.marks, self.names = {**marks, index: mark}, {**names, index: name}
            halves.append(self(body, inner.with_texts({index: self.place(mark, name)})))
        self.marks, self.names = marks, names
        if first and over:
            ((text, proof),) = halves
            return text, f"etransitivity; [apply Sigma_one | cbv beta; {proof}]"
        if first:
            (off, off_proof), (on, on_proof) = halves
            return f"({off} + {on})", f"etransitivity; [apply Sigma_two | cbv beta; {_pair(off_proof, on_proof)}]"
        (low, low_proof), (high, high_proof) = halves
        low_proof = _under(f"apply Sigma_ext; intros {name} ?", low_proof)
        if over:
            low = f"(Sigma {self.size} (fun {name} => {low}))"
            return f"({low} + {high})", f"etransitivity; [apply Sigma_more | cbv beta; {_pair(low_proof, high_proof)}]"
        states = f"(2 ^ {self.size})%nat"
        high_proof = _under(f"apply Sigma_ext; intros {name} ?", high_proof)
        return (f"((Sigma {states} (fun {name} => {low})) + (Sigma {states} (fun {name} => {high})))",
                f"etransitivity; [apply Sigma_states | cbv beta; {_pair(low_proof, high_proof)}]")  # fmt: skip

    def fold(self, e, scope):
        """One step more, by definition; and the steps before, in which a state may have one bit more."""
        if self.size is None:
            return self.last_step(e, scope, "0%nat", function(e.params, e.init, scope), "0")
        smaller = scope.with_texts({self.over: self.size})
        (k, state), inner = smaller.bind(e.over, e.state)
        params, innermost = inner.bind(*e.params)
        text, proof = self(e.step, innermost)
        if e.params:
            text = f"(fun {' '.join(params)} => {text})"
        before, now = (
            fold(e, smaller),
            f"(iterate {self.size} (fun {k} {state} => {text}) {function(e.params, e.init, scope)})",
        )
        if proof == "reflexivity":
            return self.last_step(e, scope, self.size, now, "n")
        extensional = "".join(f"apply functional_extensionality; intros {p}; " for p in params)
        equal = f"(apply iterate_ext; [intros {k} {state} ?; {extensional}{proof} | reflexivity])"
        text, proof = self.last_step(e, scope, self.size, now, "n")
        old = show(e.step, self.at_last(e, scope, self.size, before))
        return text, f"change ({old} = {text}); replace {before} with {now} by (symmetry; {equal}); {proof}"

    def at_last(self, e, scope, last, state):
        places = {p: scope.texts[i] for p, i in zip(e.params, e.at, strict=True)}
        return scope.with_texts({**places, e.over: last, e.state: applied(state)})

    def last_step(self, e, scope, last, state, mark):
        inner = self.at_last(e, scope, last, state)
        self.marks[e.over] = mark
        text, proof = self(e.step, inner)
        del self.marks[e.over]
        return text, f"change ({show(e.step, inner)} = {text}); {proof}"


def _under(step, proof):
    return proof if proof == "reflexivity" else f"{step}; {proof}"


def _pair(first, second):
    return f"apply (f_equal2 Rplus); [{first} | {second}]"

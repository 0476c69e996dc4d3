"""Why a theorem holds: for each step of its derivation a lemma, and its proof in Coq's tactics. Nothing here is
trusted.

The lemma of a step says what its theorem means (`meaning`). Since a term is what was written, a term put for a family
is an application in Coq, and most steps are the use of one lemma of the prelude.
"""

import hashlib
from weakref import WeakKeyDictionary

from proofs.coq.shapes import Grown, congruence, is_derive
from proofs.coq.statement import Names, Scope, function, hypothesis, meaning, promised, show, variables
from proofs.kernel.growth import within
from proofs.kernel.rules import over_sets
from proofs.kernel.terms import POSITIVE, Cube, Family, Index, Set
from proofs.kernel.terms import variables as occurring

VIA = {"==": "eq", ">=": "ge", ">": "gt"}


def derivation(*theorems):
    """The steps that lead to some theorems, each once and after those that it uses."""
    found, waiting = {}, [(thm, False) for thm in reversed(theorems)]
    while waiting:
        one, ready = waiting.pop()
        if ready:
            found[id(one)] = one
        elif id(one) not in found:
            waiting += [(one, True), *((parent, False) for parent in reversed(one.parents))]
    return list(found.values())


_LEMMAS = WeakKeyDictionary()
"""{step: (the name of its lemma, the lemma)}, for theorems share steps: what the lemma is depends on the step alone."""


def lemma(step):
    """The name and the text of a step's lemma, those of the steps that it uses being written already.

    The name is a digest of what the lemma says and of its proof, so that equal steps of two derivations are one lemma.
    """
    if step not in _LEMMAS:
        names = Names()
        text = f"{meaning(step, names)}.\nProof.\n  {Proof(step, names).tactics()}.\nQed.\n"
        name = f"step_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
        _LEMMAS[step] = name, f"(* {step.rule} *)\nLemma {name} :\n  {text}"
    return _LEMMAS[step]


def name_of(step):
    """The name of the lemma of a step."""
    return lemma(step)[0]


class Proof:
    """The proof of one step. Its methods are named for the rules, and take the theorems that the rule was applied
    to."""

    def __init__(self, step, names):
        self.step, self.given = step, step.given
        self.variables = variables(step)
        self.own, self.scope = Scope(names, {}).bind(*self.variables)

    def tactics(self):
        """The whole proof."""
        premises = sum(len(promised(v, self.scope)) for v in self.variables)
        names = [*self.own, *["?"] * (premises + len(self.step.hyps))]
        return "; ".join(
            [f"intros {' '.join(names)}"] * bool(names) + [getattr(self, self.step.rule)(*self.step.parents)]
        )

    def use(self, parent, scope=None, texts=None, premises="side"):
        """A tactic for a goal that an earlier lemma says. Its variables are called as in a scope, or as texts say:
        {variable: a text, for a family one of a function}. What is called nothing is 1, or the index 0."""
        scope, texts = scope or self.scope, texts or {}
        arguments = [texts.get(v) or called(v, scope) for v in variables(parent)]
        return f"(apply ({' '.join([name_of(parent), *arguments])}); {premises})"

    def widened(self, *terms):
        """The scope, in which also variables and sets have a text that are none of the lemma's, such as those of a
        weight, or those over which only a premise sums."""
        texts = dict(self.scope.texts)
        for v in frozenset().union(*(e.free for e in terms)):
            if v not in texts:
                texts[v] = (lambda *_: "1") if type(v) is Family else "0%nat"
        for v in frozenset().union(*map(occurring, terms)):
            for a_set in v.sets if type(v) is Family else (v.set,):
                texts.setdefault(within(a_set)[-1], "1%nat")
        return Scope(self.scope.names, texts, self.scope.taken)

    # --- arithmetic and signs ---

    def assume(self):
        return "side"

    def combine(self, *parents):
        weights = self.given["weights"]
        scope = self.widened(*weights, *(e for thm in parents for e in (thm.left, thm.right)))
        text, tail, rel = "0", "reflexivity", "=="  # the terms from here on: what they are, and why they are rel 0
        for weight, thm in reversed(list(zip(weights, parents, strict=True))):
            text = f"{show(weight, scope)} * ({show(thm.left, scope)} - {show(thm.right, scope)}) + ({text})"
            used = self.use(thm, scope)
            if thm.rel == "==":
                tail = f"apply plus_eq{'' if rel == '==' else '_' + VIA[rel]}; [{used} | {tail}]"
                continue
            tail = f"apply Req_ge; {tail}" if rel == "==" else tail
            if thm.rel == ">" and weight.sign == POSITIVE and rel != ">":
                tail, rel = f"apply plus_gt; [side | {used} | {tail}]", ">"
            else:
                weaken = "apply weaker; " if thm.rel == ">" else ""
                tail = f"apply plus_ge{'_gt' if rel == '>' else ''}; [side | {weaken}{used} | {tail}]"
                rel = ">" if rel == ">" else ">="
        if (self.step.rel, rel) in ((">=", "=="), (">=", ">")):
            tail = f"apply {'Req_ge' if rel == '==' else 'weaker'}; {tail}"
        return f"apply (by_{VIA[self.step.rel]} _ _ ({text})); [fld | {tail}]"

    def evident(self):
        return "apply Rle_ge; nn" if self.step.rel == ">=" else "apply Rlt_gt; pos"

    def rewrite(self, *equations):
        sides = {thm.left: thm for thm in equations}
        return congruence(
            self.step.left, self.scope, lambda e, scope: self.use(sides[e], scope) if e in sides else None
        )

    # --- sums ---

    def total(self, parent):
        (name,), inner = self.scope.bind(self.given["index"])
        lemma = {"==": "Sigma_ext", ">=": "Sigma_ge", ">": "Sigma_gt; [bound |]"}[self.step.rel]
        return f"apply {lemma}; intros {name} ?; {self.use(parent, inner)}"

    def linear(self):
        index, size = self.given["index"], self.scope.size(self.given["index"].set)
        (name,), inner = self.scope.bind(index)
        body, end, proof = "0", "0", "apply lin_nil"
        for c, e in reversed(self.given["pairs"]):
            c, e = show(c, inner), show(e, inner)
            proof = f"apply (lin_cons {size} {c} (fun {name} => {e}) (fun {name} => {body})); {proof}"
            body, end = f"{c} * {e} + ({body})", f"{c} * Sigma {size} (fun {name} => {e}) + ({end})"
        return (f"transitivity (Sigma {size} (fun {name} => {body})); "
                f"[apply Sigma_ext; intros {name} ?; fld | transitivity ({end}); [{proof} | fld]]")  # fmt: skip

    def swap(self):
        i, j, e = (self.given[k] for k in "ije")
        return f"exact (Sigma_swap {self.scope.size(i.set)} {self.scope.size(j.set)} {function((i, j), e, self.scope)})"

    def pick(self):
        e, i, j = (self.given[k] for k in "eij")
        return (
            f"apply (Sigma_pick {self.scope.size(i.set)} {self.scope.texts[j]} {function((i,), e, self.scope)}); bound"
        )

    def vanish(self, thm, zero):
        index = self.given["index"]
        (name,), inner = self.scope.bind(index)
        sides = " ".join(function((index,), e, self.scope) for e in (thm.left, thm.right))
        weaken = "apply weaker; " if thm.rel == ">" else ""
        return (f"refine (Sigma_vanish {self.scope.size(index.set)} {sides} _ _ {called(index, self.scope)} _); "
                f"[intros {name} ?; {weaken}{self.use(thm, inner)} | {self.use(zero)} | bound]")  # fmt: skip

    # --- exp and log ---

    def log_of_product(self):
        return "apply ln_mult; pos"

    def log_of_exp(self):
        return "apply ln_exp"

    def exp_of_log(self):
        return "apply exp_ln; pos"

    def tangent(self):
        return "apply tangent"

    def touches(self, thm):
        return f"apply touches; {self.use(thm)}"

    # --- variables ---

    def inst(self, parent):
        sets, values, indices = (self.given[k] for k in ("sets", "values", "indices"))
        texts = {}
        for v in variables(parent):
            new = over_sets(v, sets)
            if type(v) is Index:
                texts[v] = called(indices.get(new, new), self.scope)
            elif new in values:
                params, body = values[new]
                texts[v] = function(params, body, self.widened(body))
            else:
                texts[v] = self.scope.size(new) if type(new) is Cube else called(new, self.scope)
        return self.use(parent, texts=texts)

    def cases(self, at_zero, elsewhere):
        family = self.given["number"].family
        there, z = Family(family.name, family.sets, POSITIVE), show(self.given["number"], self.scope)
        constant = f"(fun {'_ ' * len(family.sets)}=> {z})" if family.sets else z
        return (f"assert (C : 0 <= {z}) by side; destruct C as [C | C]; "
                f"[{self.use(elsewhere, texts={there: constant})} | rewrite <- C; {self.use(at_zero)}]")  # fmt: skip

    # --- induction and derivatives ---

    def grow(self, base, step):
        over = self.given["over"]
        n = self.scope.texts[over]
        families = [
            f for f in self.variables.families if any(over in (s, s.of if type(s) is Cube else s) for s in f.sets)
        ]
        signs = [p for f in families for p in promised(f, self.scope)]
        claim = "".join(f"({p}) -> " for p in signs) + hypothesis(self.step.conclusion, self.scope)
        indices, inner = self.scope.bind(*self.variables.indices)
        intros = f"intros {' '.join([*'?' * len(signs), *indices, *'?' * len(indices)])}; " if signs or indices else ""
        more = n + "'"
        first, next_one = (self.grown(thm, over, size, inner) for thm, size in ((base, None), (step, more)))
        return (f"cut (forall {n}, (0 < {n})%nat -> {claim}); [intros G; apply G; side |]; "
                f"apply (from_one (fun {n} => {claim})); "
                f"[{intros}{first} | intros {more} ? IH; {intros}{next_one}]")  # fmt: skip

    def grown(self, thm, over, size, scope):
        """The claim for one element, or for one more than a size, by the theorem that says so of what it unfolds to."""
        unfold = Grown(over, size)
        before = scope.with_texts({over: size or "1%nat"})
        after = scope.with_texts({over: f"(S {size})" if size else "1%nat"})
        (left, left_proof), (right, right_proof) = [unfold(e, after) for e in (self.step.left, self.step.right)]
        used = self.use(thm, before, unfold.parts, "first [side | intros; apply IH; side]" if size else "side")
        return f"apply (via_{VIA[self.step.rel]} _ {left} _ {right}); [{left_proof} | {right_proof} | {used}]"

    def differentiate(self):
        slope = self.step.left
        return f"apply is_derive_unique; {is_derive(slope.body, slope.by, show(slope.at, self.scope), self.scope)}"


def called(v, scope):
    """What a variable is called in a scope, a family as a function; 1 or the index 0 if it is called nothing there."""
    match v:
        case Set():
            return scope.texts.get(v) or "1%nat"
        case Index():
            return scope.texts.get(v) or "0%nat"
    at = [f"x{k}" for k in range(len(v.sets))]
    text = scope.texts[v](*at) if v in scope.texts else "1"
    if not at:
        return text
    head, *rest = text.strip("()").split(" ")
    return head if rest == at else f"(fun {' '.join(at)} => {text})"

"""Terms for families, and indices for indices, captured by nothing."""

from proofs.kernel.terms import Add, App, Bit, Exp, Family, Fold, Index, Log, Mul, Pow, Same, Slope, Sum, below


def rebuilt(e, parts, at=lambda index: index):
    """The term with other terms in the places that `below` lists, and its own free indices renamed."""
    match e:
        case App(family, old):
            return App(family, tuple(map(at, old)))
        case Bit(left, right):
            return Bit(at(left), at(right))
        case Same(left, right):
            return Same(at(left), at(right))
        case Add() | Mul():
            return type(e)(tuple(parts))
        case Pow(_, exponent):
            return Pow(parts[0], exponent)
        case Exp() | Log():
            return type(e)(parts[0])
        case Sum(_, index):
            return Sum(parts[0], index)
        case Fold(state, params, _, _, over, old):
            return Fold(state, params, *parts, over, tuple(map(at, old)))
        case Slope(_, by, _):
            return Slope(parts[0], by, parts[1])
    return e


def put(e, values=(), renamed=()):
    """The term with terms for families, and indices for indices, all at once and captured by nothing.

    values: {family: (params, body)}; renamed: {index: index}.
    """
    values, renamed = dict(values), dict(renamed)
    if e.free.isdisjoint({*values, *renamed}):
        return e
    if type(e) is App and e.family in values:
        params, body = values[e.family]
        return put(body, {}, dict(zip(params, (renamed.get(i, i) for i in e.at), strict=True)))
    arriving = set(renamed.values()).union(*(body.free - set(params) for params, body in values.values()))
    e = _apart(e, arriving)
    parts = []
    for part, bound, at in below(e):
        inner = {f: v for f, v in values.items() if f not in bound}
        parts.append(put(part, inner, {i: j for i, j in renamed.items() if i not in at}))
    return rebuilt(e, parts, lambda i: renamed.get(i, i))


def _apart(e, taken):
    """The term, what it binds called otherwise than what is taken."""
    match e:
        case Sum(body, index) if index in taken:
            new = fresh(index, taken | body.free)
            return Sum(put(body, {}, {index: new}), new)
        case Slope(body, by, at) if by in taken:
            new = fresh(by, taken | body.free)
            return Slope(put(body, {by: ((), new())}), new, at)
        case Fold(state, params, init, step, over, at) if taken & {state, over, *params}:
            used = {*taken, *init.free, *step.free, state, over, *params}
            new = {}
            for v in (*params, over, state):
                new[v] = fresh(v, used | set(new.values()))
            moved = {p: new[p] for p in params}
            values = {state: (params, new[state](*params))}
            step = put(step, values, {**moved, over: new[over]})
            return Fold(new[state], tuple(moved.values()), put(init, {}, moved), step, new[over], at)
    return e


def fresh(variable, taken):
    """The variable, primed until it is none of those that are taken."""
    name = variable.name
    while True:
        name += "'"
        new = Index(name, variable.set) if type(variable) is Index else Family(name, variable.sets, variable.sign)
        if new not in taken:
            return new

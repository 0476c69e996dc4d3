"""A traced function as a list of its steps, each with its local derivatives.

The derivatives are not written down a second time: the rule of each op's row is itself run on Tensors, and the trace
that it leaves is read off as a formula. What is printed is the rule that `grad` runs.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...showing import Shown, count
from ..differentiate import Run
from ..operators import Value
from ..tensor import Tensor, new_level, tape
from ..trees import places
from .layout import Box, svg

_INFIX = {
    "add": ("+", 1), "subtract": ("−", 1), "multiply": ("·", 2), "divide": ("/", 2), "chain": ("·", 2),
    "matmul": ("@", 2), "power": ("^", 4), "greater": (">", 0), "greater_equal": ("≥", 0), "equal": ("=", 0),
}  # fmt: skip
_ASSOCIATIVE = {"+", "·", "@"}
_NEGATIVE, _NAME = 3, 5


@dataclass(frozen=True)
class Node:
    """A step: `name = op(inputs)`, of a shape and with the value that it had; an input or a constant has no op.

    `derivatives` has a pair for each input through which something flows: its name, and the formula of the share of
    its cotangent that this step sends it. A bar marks a cotangent.
    """

    name: str
    op: str | None
    inputs: tuple[str, ...]
    params: str
    shape: tuple[int, ...]
    value: Any
    derivatives: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        """The step as it would be written, without its derivatives."""
        if self.op is None:
            return self.name
        return f"{self.name} = {self.op}({', '.join((*self.inputs, *filter(None, [self.params])))})"

    @property
    def kind(self) -> str:
        """What the step gives: its shape, and the number itself where it is one."""
        shape = " × ".join(map(str, self.shape))
        return shape or f"{np.asarray(self.value).item():.4g}"

    @property
    def lines(self) -> list[tuple[str, str]]:
        """(class, text) of each line of its box: the step, and a rule for each of its inputs."""
        rules = [("rule", f"{barred(name)} += {formula}") for name, formula in self.derivatives]
        return [("step", f"{self}   [{self.kind}]"), *rules]


@dataclass(frozen=True)
class Graph(Shown):
    """The steps of a traced function, in the order in which they ran, and the names of its results."""

    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]

    def _summary(self) -> str:
        return f"{count(sum(n.op is not None for n in self.nodes), 'step')}, result: {', '.join(self.outputs)}"

    def _repr_html_(self) -> str:
        """Its drawing says all that a table could."""
        return self.svg()

    def text(self) -> str:
        """One line a step, and below it one for each local derivative."""
        width = max((len(str(node)) for node in self.nodes), default=0)
        lines = []
        for node in self.nodes:
            lines.append(f"{node!s:{width}}   {node.kind}")
            lines += [f"    {barred(name)} += {formula}" for name, formula in node.derivatives]
        return "\n".join([*lines, f"result: {', '.join(self.outputs)}"])

    def svg(self) -> str:
        """A box for each step, inputs above, light or dark as its reader's screen is: the text of an SVG file."""
        boxes = {node.name: Box(node.lines, self._kind(node)) for node in self.nodes}
        for node in self.nodes:
            for name in dict.fromkeys(node.inputs):
                if name in boxes:  # else it is a number
                    boxes[name].join(boxes[node.name])
        return svg(list(boxes.values()))

    def _kind(self, node: Node) -> str:
        """The classes of its box."""
        return " ".join(["input"] * (node.op is None) + ["result"] * (node.name in self.outputs))


def graph(f: Callable[..., Any], *args: Any) -> Graph:
    """Run f on trees of arrays and write down its steps, from the inputs to the results that depend on them.

    f may be any function of the library, a gradient included. Raises TypeError where nothing can be differentiated.

    >>> from tinygrad_dbn import ops
    >>> print(graph(lambda x: ops.sigmoid(x).sum(), np.zeros(3)).text())
    x                 3
    v1 = sigmoid(x)   3
        x̄ += v̄1 · sigmoid_slope(x)
    v2 = sum(v1)      1.5
        v̄1 += v̄2 spread to 3
    result: v2
    """
    trace = Run.of("graph", f, args)
    names = dict(zip(map(id, trace.leaves), _names(f, args), strict=True))
    outputs = [y for y in trace.outputs if trace.flows(y)]
    nodes: list[Node] = []
    constants: dict[int, str] = {}
    steps = sorted({id(node): node for node in [*trace.leaves, *tape(outputs)]}.values(), key=lambda node: node.birth)
    for node in steps:
        if node.op is None:
            nodes.append(Node(names[id(node)], None, (), "", np.shape(node.value), node.value, ()))
            continue
        given = []
        for x in _inputs(node):
            if id(x) in names:
                given.append(names[id(x)])
            elif np.ndim(x) == 0:
                given.append(_number(x))
            else:
                if id(x) not in constants:
                    constants[id(x)] = f"c{len(constants) + 1}"
                    nodes.append(Node(constants[id(x)], None, (), "", np.shape(x), x, ()))
                given.append(constants[id(x)])
        name = names[id(node)] = f"v{sum(n.op is not None for n in nodes) + 1}"
        params = ", ".join(
            f"{key}={_parameter(p)}" for key, p in node.params.items() if p is not None and p is not False
        )
        derivatives = tuple(
            (given[i], rule) for i, _ in node.parents if (rule := _rule(node, i, name, given)) is not None
        )
        nodes.append(Node(name, node.op.name, tuple(given), params, np.shape(node.value), node.value, derivatives))
    return Graph(tuple(nodes), tuple(names[id(y)] for y in outputs))


def _inputs(node: Tensor) -> list[Value]:
    """A node's inputs as its op was given them: its parents, and constants."""
    parents = dict(node.parents)
    return [parents.get(i, x) for i, x in enumerate(node.inputs)]


def barred(name: str) -> str:
    """The name of a cotangent: a bar over the last letter, x̄ and net.biasēs[0]."""
    end = len(name.split("[")[0].rstrip("0123456789"))
    return f"{name[:end]}\u0304{name[end:]}"


def _names(f: Callable[..., Any], args: tuple[Any, ...]) -> list[str]:
    """A name for every leaf of the arguments: the parameter's, and the path to the leaf."""
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        parameters = {}.values()
    named = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    spare = [letter for letter in "xyzuvw" if letter not in named] + [f"x{i}" for i in range(len(args))]
    named += spare[: max(len(args) - len(named), 0)]
    return [path for name, arg in zip(named, args, strict=False) for path, _ in places(arg, name)]


def _number(x: Any) -> str:
    value = np.asarray(x).item()
    return f"{value:.6g}".replace("-", "−") if isinstance(value, float) else str(value)


def _parameter(p: Any) -> str:
    """A parameter in a few letters; arrays by their shape."""
    if isinstance(p, np.ndarray):
        return str(p.tolist()) if p.size <= 6 else f"array of {' × '.join(map(str, p.shape))}"
    if isinstance(p, tuple):
        return "(" + ", ".join(map(_parameter, p)) + ("," if len(p) == 1 else "") + ")"
    if isinstance(p, slice):
        return ":".join("" if part is None else str(part) for part in (p.start, p.stop)) or ":"
    return str(p)


def _rule(node: Tensor, index: int, name: str, given: list[str]) -> str | None:
    """The formula of what a node sends to its input `index`, read off a trace of the row's own rule."""
    assert node.op is not None
    with new_level() as level, np.errstate(all="ignore"):
        y, g = Tensor.leaf(node.value, level), Tensor.leaf(np.ones(node.shape, node.dtype), level)
        inputs = [  # numbers written in the code stay numbers
            Tensor.leaf(x, level) if np.ndim(x) or isinstance(original, Tensor) else x
            for x, original in zip(node.inputs, _inputs(node), strict=True)
        ]
        known = {id(x): letter for x, letter in zip(inputs, given, strict=True)} | {id(y): name, id(g): barred(name)}
        share = node.op.pull(index, g, y, tuple(inputs), node.params)
    if share is None:
        return None
    spread = isinstance(share, Tensor) and share.op is not None and share.op.name == "broadcast_to"
    formula = _read(share, known)[0]
    return f"{formula} spread to {' × '.join(map(str, np.shape(share)))}" if spread else formula


def _read(x: Value, known: dict[int, str]) -> tuple[str, int]:
    """A traced value as a formula, and how tightly its last operation binds.

    What broadcasting implies is left out: spreading, and axes of length 1.
    """
    if id(x) in known:
        return known[id(x)], _NAME
    if not isinstance(x, Tensor) or x.op is None:
        value = x.value if isinstance(x, Tensor) else x
        text = _number(value) if np.ndim(value) == 0 else "constant"
        return text, _NEGATIVE if text.startswith("−") else _NAME
    op, inputs = x.op.name, _inputs(x)
    if op == "broadcast_to" or (op == "reshape" and _squeezed(np.shape(inputs[0])) == _squeezed(x.shape)):
        return _read(inputs[0], known)
    parts = [_read(part, known) for part in inputs]
    if op in _INFIX:
        symbol, binds = _INFIX[op]
        left, right = (
            text if tight > binds or (tight == binds and (side == 0 or symbol in _ASSOCIATIVE)) else f"({text})"
            for side, (text, tight) in enumerate(parts)
        )
        return f"{left} {symbol} {right}", binds
    if op == "negative":
        text, tight = parts[0]
        return f"−{text if tight >= _NEGATIVE else f'({text})'}", _NEGATIVE
    if op == "transpose":
        text, tight = parts[0]
        return f"{text if tight >= _NAME else f'({text})'}ᵀ", _NAME
    params = [f"{key}={_parameter(p)}" for key, p in x.params.items() if p is not None and p is not False]
    return f"{op}({', '.join([text for text, _ in parts] + params)})", _NAME


def _squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(n for n in shape if n != 1)

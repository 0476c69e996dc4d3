"""tinygrad-dbn explain: one row of the op table, from the code that runs and not from a description of it."""

import sys
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from .terminal import listed, refuse

if TYPE_CHECKING:
    from ..autodiff.op import Op

_LETTERS = "xyz"


def explain(
    name: Annotated[
        str, typer.Argument(help="An op of the table, as sigmoid; or MODULE:NAME, a function or an op of your own.")
    ] = "",
    all: Annotated[bool, typer.Option("--all", help="Print the rules of every op in one table.")] = False,
    latex: Annotated[
        bool, typer.Option("--latex", help="Print the formula and its derivatives in LaTeX only.")
    ] = False,
    graph: Annotated[
        bool, typer.Option("--graph", help="Print a trace: every step, and what it sends back to its inputs.")
    ] = False,
    shape: Annotated[
        list[str] | None,
        typer.Option(help="With --graph: the shape of an argument, as 3,2 or scalar; once for each."),
    ] = None,
    svg: Annotated[Path | None, typer.Option("--svg", metavar="FILE", help="Draw the trace as SVG.")] = None,
) -> None:
    """Show an op: its source, formula, derivative, domain, edges, accuracy, and the theorems that cover it.

    MODULE:NAME is imported from the current folder, as a Python program there would. A function is traced.
    """
    from ..autodiff import ops
    from ..autodiff.op import Op
    from ..autodiff.ops import TABLE
    from .examples import COMPOSITES
    from .tracing import imported, trace

    if all:
        if name or latex or graph or shape or svg:
            refuse("--all prints every op in one table; leave the name and the other options out, or --all")
        _show_all()
        return
    if not name:
        listed("ops, or write --all for their rules", {n: _summary(n) for n in sorted({*TABLE, *COMPOSITES})})
    if ":" in name and isinstance(found := imported(name), Op):  # which is in the table now
        name = found.name
    if graph or svg or ":" in name:
        trace(name, shape or [], svg)
        return
    if name not in TABLE and name not in COMPOSITES:
        _unknown(name, sorted({*TABLE, *COMPOSITES}))
    op = TABLE.get(name)
    if latex:
        for label, branches in _formulas(op) if op is not None and op.kernel else _array_formulas(name):
            for condition, formula in branches:
                print(f"{label} = {_in_latex(formula)}" + (rf" \quad ({condition})" if condition else ""))
        return
    if op is None:
        _show_composite(name, getattr(ops, name))
    else:
        _show(op)


def _show_all() -> None:
    """A line for every op and each of its inputs: what the op sends back to it, read off the rule that runs."""
    import numpy as np
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from ..autodiff.inspect.graph import barred, graph
    from ..autodiff.ops import TABLE
    from .examples import call

    table = Table("op", "what it computes", "what it sends back", box=None, pad_edge=False)
    for name, op in TABLE.items():
        function, shapes = (op, [()] * op.arity) if op.kernel else call(name)
        rules = ["nothing"]
        if not op.sealed:
            last = graph(function, *(np.full(shape, 0.5 if op.domain[1] > 0 else -0.5) for shape in shapes)).nodes[-1]
            rules = [f"{barred(to)} += {rule}" for to, rule in last.derivatives]
        table.add_row(*map(escape, (name, _summary(name), "\n".join(rules))))
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def _summary(name: str) -> str:
    """The first sentence of what an op or a composite says of itself."""
    from ..autodiff import ops

    text = getattr(ops.TABLE.get(name, getattr(ops, name, None)), "__doc__", None) or ""
    return " ".join(text.split("\n\n")[0].split(". ")[0].split())


def _unknown(name: str, names: list[str]) -> NoReturn:
    near = get_close_matches(name.lower(), names, n=1, cutoff=0.5)
    meant = f"did you mean {near[0]}?" if near else f"known are {', '.join(names)}"
    refuse(f"there is no op {name!r}; {meant}")


def _section(title: str, *lines: str) -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console()
    console.print(f"\n[bold]{title}[/bold]")
    for line in lines:
        console.print(f"  {escape(line)}", highlight=False, soft_wrap=True)


def _head(name: str, function: Any, source: Any) -> None:
    """The name, the first paragraph of the docstring, and the source."""
    import inspect
    import textwrap

    from rich.console import Console
    from rich.markup import escape
    from rich.syntax import Syntax

    console = Console()
    summary = inspect.cleandoc(function.__doc__ or "").split("\n\n")[0]
    console.print(f"[bold]{name}[/bold]  {escape(' '.join(summary.split()))}", highlight=False)
    _section("Source")
    text = textwrap.dedent(inspect.getsource(source)).strip()
    code = Syntax("", "python", background_color="default").highlight(text)
    code.rstrip()
    console.print(code, soft_wrap=True)


def _show_composite(name: str, function: Any) -> None:
    """A function made of ops: its rules are theirs."""
    _head(name, function, function)
    _show_formulas(_array_formulas(name))
    _section("Accuracy", "that of the ops it is made of: they are listed by --graph")


def _show_formulas(formulas: list[tuple[str, list[tuple[str, Any]]]]) -> None:
    for label, branches in formulas:
        _section(f"Derivative {label}" if "∂" in label or "\u0304" in label else "Formula", *_lines(branches))


def _show(op: "Op") -> None:
    from rich.console import Console
    from rich.table import Table

    console, section = Console(), _section
    _head(op.name, op, op.kernel or op.forward)
    _show_formulas(_formulas(op) if op.kernel else _array_formulas(op.name))
    section("Domain", f"{op.domain[0]} < {', '.join(_LETTERS[: _arity(op)])} < {op.domain[1]}")
    if op.edges:
        section("Edges")
        table = Table("argument", "value", "derivative", box=None, pad_edge=True)
        for argument, value in op.edges:
            table.add_row(_plain(argument), _plain(value), _derivative_at(op, argument))
        console.print(table)
    section("Accuracy", *_accuracy(op))
    section("Theorems", *_theorems(op))


def _arity(op: "Op") -> int:
    return len(op.vjps) if isinstance(op.vjps, tuple) else 1


def _lines(branches: list[tuple[str, Any]]) -> list[str]:
    return [f"{formula}" + (f"   where {condition}" if condition else "") for condition, formula in branches]


def _formulas(op: "Op") -> list[tuple[str, list[tuple[str, Any]]]]:
    """(label, [(condition, formula)]) for the op and its derivatives, by running the shipped code on symbols."""
    import numpy as np

    from ..autodiff.differentiate import vjp
    from ..autodiff.numbers.symbolic import expressions, symbols

    arguments = [symbols(letter) for letter in _LETTERS[: _arity(op)]]
    found = [("y" if len(arguments) == 1 else "f", _on_branches(lambda: expressions(op(*arguments))))]
    for i, letter in enumerate(_LETTERS[: _arity(op)]):

        def partial(i: int = i) -> Any:
            return expressions(vjp(op, *arguments)[1](np.array(1, object))[i])

        found.append((f"∂/∂{letter}", _on_branches(partial)))
    return found


def _array_formulas(name: str) -> list[tuple[str, list[tuple[str, Any]]]]:
    """The same for a function of whole arrays, on small ones; g is the cotangent of its result."""
    import numpy as np

    from ..autodiff.differentiate import vjp
    from ..autodiff.numbers.symbolic import expressions, symbols
    from .examples import call

    function, shapes = call(name)
    if function(*map(np.zeros, shapes)).dtype == bool:  # a comparison
        return []
    arguments = [symbols(letter, shape) for letter, shape in zip(_LETTERS, shapes, strict=False)]
    found = [("y", _on_branches(lambda: expressions(function(*arguments))))]
    for i, letter in enumerate(_LETTERS[: len(shapes)]):

        def cotangent(i: int = i) -> Any:
            y, pullback = vjp(function, *arguments)
            return expressions(pullback(symbols("g", y.shape))[i])

        found.append((f"{letter}\u0304", _on_branches(cotangent)))
    return found


def _on_branches(f: Any) -> list[tuple[str, Any]]:
    """f's formulas, one for every sign of what the code compares, or a single one where they agree."""
    import sympy

    from ..autodiff.kernels.scalar import meanings
    from ..autodiff.numbers.symbolic import branches

    def run() -> Any:
        with meanings():
            return f()

    results = []
    for signs, value in branches(run):
        condition = " and ".join(str(d > 0 if sign > 0 else d < 0) for d, sign in signs.items())
        results.append((condition, sympy.Array(value.tolist()) if getattr(value, "shape", ()) else value))
    return [("", results[0][1])] if all(value == results[0][1] for _, value in results) else results


def _in_latex(formula: Any) -> str:
    import sympy

    return str(sympy.latex(formula))


def _plain(value: Any) -> str:
    """A number or nested tuple of numbers, without Python's trailing commas."""
    if isinstance(value, tuple):
        return ", ".join(_plain(part) if not isinstance(part, tuple) else f"({_plain(part)})" for part in value)
    return str(value)


def _derivative_at(op: "Op", argument: Any) -> str:
    """What `grad` gives at an edge, in float64; nothing for ops of whole arrays or without a derivative."""
    import numpy as np

    from ..autodiff.differentiate import vjp

    if op.kernel is None or not isinstance(op.vjps, tuple) or not any(op.vjps):
        return ""
    point = argument if isinstance(argument, tuple) else (argument,)
    slopes = vjp(op, *(np.asarray(v, float) for v in point))[1](1.0)
    return ", ".join(f"{float(slope):.6g}" for slope in slopes)


def _accuracy(op: "Op") -> list[str]:
    """The budget of the row, and the worst errors met just now."""
    import numpy as np

    if op.kernel is None:
        if op.ulp == 0:
            return ["exact: elements are moved or compared, not changed"]
        bound = getattr(op, "bound", None)
        stated = (
            f"within u · ({bound.__doc__})" if bound is not None and bound.__doc__ else "relative to the largest terms"
        )
        return [f"value: promised {stated}; u is half of the spacing of floats at 1" if bound is not None else stated]
    try:
        from ..autodiff.inspect.accuracy import worst_curvature, worst_derivative, worst_value
    except ImportError as error:
        return [f"promised {op.ulp} ulp; not measured: {error}"]
    lines = []
    for what, field, measure in (
        ("value", "ulp", worst_value),
        ("derivative", "slope_ulp", worst_derivative),
        ("second derivative", "curvature_ulp", worst_curvature),
    ):
        budget = getattr(op, field)
        if what != "value" and not any(op.vjps if isinstance(op.vjps, tuple) else ()):
            continue
        if budget == np.inf:
            lines.append(f"{what}: nothing promised, for the reason beside `{field}` above")
            continue
        for dtype in (np.float64, np.float32):
            worst = measure(op, dtype)
            at = f" at {_plain(worst.at)}" if worst.at else ""
            lines.append(f"{what}, {dtype.__name__}: promised {budget} ulp, worst met {worst.ulps:.3g}{at}")
    return lines


def _theorems(op: "Op") -> list[str]:
    """The theorems about this op, where the repository's proofs are at hand."""
    from importlib import import_module

    root = Path(__file__).resolve().parents[2]
    if not (root / "proofs" / "harness" / "theorem.py").exists():
        return ["they are in the repository's folder proofs/, which is not installed with the package"]
    sys.path.insert(0, str(root))
    try:
        modules = [
            import_module(f"proofs.engine.{path.stem}")
            for path in sorted((root / "proofs" / "engine").glob("test_engine_*.py"))
        ]
    except ImportError as error:
        return [f"not listed: {error}; write: pip install -e '.[test]'"]
    finally:
        sys.path.remove(str(root))
    found = []
    for function in (f for module in modules for f in vars(module).values() if hasattr(f, "theorem")):
        statement = function.theorem
        names = [n for mark in function.pytestmark if mark.args[0] == "name" for n in mark.args[1]]
        if op.name in (names or statement.sentence.replace("'", " ").split()):
            found.append(f"{statement.level}  {statement.sentence}")
    return found or ["none: nothing flows through it, and its values are in the table of edges"]

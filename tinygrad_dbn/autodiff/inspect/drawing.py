"""A traced function drawn as SVG: a box for each step, with the rules by which its cotangent flows back."""

from .graph import Graph, Node, barred
from .layout import Box
from .layout import svg as laid_out


def svg(graph: Graph) -> str:
    """A box for each step, inputs above, light or dark as its reader's screen is: the text of an SVG file."""
    boxes = {node.name: Box(_lines(node), _kind(node, graph)) for node in graph.nodes}
    for node in graph.nodes:
        for name in dict.fromkeys(node.inputs):
            if name in boxes:  # else it is a number
                boxes[name].join(boxes[node.name])
    return laid_out(list(boxes.values()))


def _lines(node: Node) -> list[tuple[str, str]]:
    """(class, text) of each line: the step, and a rule for each of its inputs."""
    rules = [("rule", f"{barred(name)} += {formula}") for name, formula in node.derivatives]
    return [("step", f"{node}   [{node.kind}]"), *rules]


def _kind(node: Node, graph: Graph) -> str:
    return " ".join(["input"] * (node.op is None) + ["result"] * (node.name in graph.outputs))

"""Steps that are no loops of arithmetic: matrix products, and what moves elements to other places."""

from math import prod

from . import indexing
from .node import Node, enumerates
from .writer import Text, affine, at_index


class Movement(Text):
    """Writes one step for each kind of node that the plan keeps out of its loops: `write_` and the kind.

    An op that moves elements is compiled when it has its method here.
    """

    def write_matmul(self, n: Node) -> None:
        a, b = n.inputs
        if 0 in (*n.shape, a.shape[-1]):
            self.line(f"{self.array(n)}[...] = 0.0")
            return
        matrix = self.matrix if len(n.shape) == len(a.shape) == len(b.shape) == 2 else self.array
        with self.loops(n.shape[:-2], "j"):
            names = []
            for x in (a, b):
                ref = self.plan.ref(x)
                extra = len(n.shape) - len(x.shape)
                index = ", ".join("0" if k == 1 else f"j{i + extra}" for i, k in enumerate(x.shape[:-2]))
                names.append(matrix(ref.base) + (f"[{index}]" if index else "") + ("" if ref.whole else ".T"))
            index = ", ".join(f"j{i}" for i in range(len(n.shape) - 2))
            self.line(f"numpy.dot({names[0]}, {names[1]}, {matrix(n)}{f'[{index}]' if index else ''})")

    def write_cumsum(self, n: Node) -> None:
        axis, at = n.params["axis"], [f"j{i}" for i in range(len(n.shape))]
        with self.indented(*(f"for {at[i]} in range({k}):" for i, k in enumerate(n.shape) if i != axis)):
            self.line("total = -0.0")  # to which −0.0 may be added, as NumPy does, and it is still −0.0
            with self.indented(f"for {at[axis]} in range({n.shape[axis]}):"):
                self.line(f"total += {self.element(n.inputs[0], at)[0]}")
                self.line(f"{at_index(self.array(n), at)} = total")

    def write_reshape(self, n: Node) -> None:
        x = n.inputs[0]
        self.line(f"flat, k = {self.array(n)}.reshape({prod(n.shape)}), 0")
        with self.loops(x.shape, "j"):
            self.line(f"flat[k] = {self.element(x, [f'j{i}' for i in range(len(x.shape))])[0]}")
            self.line("k += 1")

    def write_concatenate(self, n: Node) -> None:
        axis, before = n.params["axis"], 0
        for x in n.inputs:
            at = [f"j{i}" for i in range(len(x.shape))]
            into = [affine(v, before, 1) if i == axis else v for i, v in enumerate(at)]
            with self.loops(x.shape, "j"):
                self.line(f"{self.array(n)}[{', '.join(into)}] = {self.element(x, at)[0]}")
            before += x.shape[axis]

    def write_stack(self, n: Node) -> None:
        axis = n.params["axis"]
        for k, x in enumerate(n.inputs):
            at = [f"j{i}" for i in range(len(x.shape))]
            with self.loops(x.shape, "j"):
                self.line(f"{self.array(n)}[{', '.join([*at[:axis], str(k), *at[axis:]])}] = {self.element(x, at)[0]}")

    def write_index(self, n: Node) -> None:
        with self.loops(n.shape, "j"):
            value = self.element(n.inputs[0], self.indices(n))[0]
            self.line(f"{at_index(self.array(n), [f'j{i}' for i in range(len(n.shape))])} = {value}")

    def write_place(self, n: Node) -> None:
        g = n.inputs[0]
        self.line(f"{self.array(n)}[...] = 0")
        with self.loops(g.shape, "j"):
            value = self.element(g, [f"j{i}" for i in range(len(g.shape))])[0]
            self.line(f"{at_index(self.array(n), self.indices(n))} += {value}")

    def indices(self, n: Node) -> list[str]:
        """For every axis of the indexed array, where it is read at (j0, j1, …) of the result."""
        result = []
        for length, (item, axis) in zip(n.params["full"], indexing.read_at(n.params["at"], n.inputs[1:]), strict=True):
            if item[0] == "slice":
                result.append(affine(f"j{axis}", item[1], item[2]))
            elif item[0] == "int":
                result.append(str(item[1]))
            else:
                array = n.inputs[1:][item[1]]
                at = [f"j{axis + i}" if size != 1 else "0" for i, size in enumerate(array.shape)]
                result.append(self.array_index(n, array, at, length, item[1]))
        return result

    def array_index(self, n: Node, array: Node, at: list[str], length: int, k: int) -> str:
        """Where an array of positions says to read, at the index `at` of that array."""
        if enumerates(array):
            return at[0]
        name = f"k{k}"
        self.position(name, self.element(array, at)[0], n, length)
        return name

"""What a theorem says that it uses is another theorem, and none uses itself by way of others."""

import ast
from importlib import import_module
from pathlib import Path

from proofs.harness.record import Statement

PROOFS = Path(__file__).parents[1]


def statements():
    """Every theorem's statement, by its sentence."""
    found = {}
    for path in sorted(PROOFS.rglob("test_*.py")):
        module = import_module(".".join(path.relative_to(PROOFS.parent).with_suffix("").parts))
        named = (getattr(value, "theorem", None) for value in vars(module).values())
        found |= {statement.sentence: statement for statement in named if isinstance(statement, Statement)}
    return found


def test_what_refutes_is_known_to_be_what_it_is_called():
    """Broken code differs from anything, so code refutes a claim only where theorems say what it computes."""
    for sentence, statement in statements().items():
        assert statement.level != "R" or statement.uses, f"{sentence}: name the theorems about what refutes it"


def test_what_a_theorem_uses_is_a_theorem_and_not_in_a_circle():
    waiting = {sentence: set(statement.uses) for sentence, statement in statements().items()}
    assert len(waiting) > 100
    assert set().union(*waiting.values()) <= waiting.keys()
    while waiting:
        grounded = [sentence for sentence, uses in waiting.items() if not uses & waiting.keys()]
        assert grounded, f"a circle among {sorted(waiting)}"
        for sentence in grounded:
            del waiting[sentence]


def test_no_theorem_of_the_kernel_is_made_and_dropped():
    """What a body derives it returns or uses: so Coq, which checks what is returned, checks all of it."""
    rules = {name for part in ("rules", "derived", "lemmas") for name in vars(import_module(f"proofs.kernel.{part}"))}
    for path in sorted((PROOFS / "chapters").glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                called = ast.unparse(node.value.func)
                assert called not in rules - {"guard"}, f"{path.name}:{node.lineno} drops what {called} derives"

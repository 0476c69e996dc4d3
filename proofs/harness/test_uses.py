"""What a theorem says that it uses is another theorem, and none uses itself by way of others."""

from importlib import import_module
from pathlib import Path

PROOFS = Path(__file__).parents[1]


def statements():
    """Every theorem's statement, by its sentence."""
    found = {}
    for path in sorted(PROOFS.rglob("test_*.py")):
        module = import_module(".".join(path.relative_to(PROOFS.parent).with_suffix("").parts))
        found |= {f.theorem.sentence: f.theorem for f in vars(module).values() if hasattr(f, "theorem")}
    return found


def test_what_a_theorem_uses_is_a_theorem_and_not_in_a_circle():
    waiting = {sentence: set(statement.uses) for sentence, statement in statements().items()}
    assert len(waiting) > 100
    assert set().union(*waiting.values()) <= waiting.keys()
    while waiting:
        grounded = [sentence for sentence, uses in waiting.items() if not uses & waiting.keys()]
        assert grounded, f"a circle among {sorted(waiting)}"
        for sentence in grounded:
            del waiting[sentence]

"""docs/engine.md: every step runs on the steps before it, and prints what the page shows."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "engine.md").read_text()


def test_every_step_runs_upon_the_steps_before_it():
    names = {}
    steps = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(steps) == 9
    for step in steps:
        exec(step, names)
    (shown,) = re.findall(r"```text\n(.*?)\n```", PAGE, re.DOTALL)
    assert names["text"] == shown


def test_the_page_ends_at_files_that_are_there():
    links = re.findall(r"\]\(([^)]+)\)", PAGE)
    assert len(links) > 5
    assert all((ROOT / "docs" / link).exists() for link in links)


def test_the_readme_says_how_many_lines_are_to_be_read_before_grad_is_understood():
    tensor, op, differentiate = (
        (ROOT / "tinygrad_dbn" / "autodiff" / f"{name}.py").read_text() for name in ("tensor", "op", "differentiate")
    )
    needed = [tensor, op]
    for node in ast.parse(differentiate).body:
        if getattr(node, "name", None) in ("Run", "value_and_grad", "grad"):
            needed.append(ast.get_source_segment(differentiate, node))
    lines = sum(bool(line.strip()) for text in needed for line in text.splitlines())
    (said,) = re.findall(r"understood after some (\d+) lines", (ROOT / "README.md").read_text())
    assert lines <= 350
    assert abs(lines - int(said)) <= 10

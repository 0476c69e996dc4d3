"""Writes each script of this folder as the notebook of the same name, by Jupytext: python examples/notebooks/build.py

The scripts are what is read and changed: `# %%` begins a cell of code, `# %% [markdown]` one of prose.
"""

from pathlib import Path

import jupytext

HERE = Path(__file__).parent
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def scripts() -> list[Path]:
    """The scripts, in the order of their names."""
    return sorted(path for path in HERE.glob("*.py") if path != Path(__file__))


def notebook(script: Path) -> str:
    """The notebook's JSON: the same text makes the same bytes."""
    made = jupytext.read(script, fmt="py:percent")
    made.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    for number, cell in enumerate(made.cells):
        cell["id"] = f"cell-{number}"  # else they are drawn at random
    return jupytext.writes(made, fmt="ipynb").rstrip("\n") + "\n"


if __name__ == "__main__":
    for script in scripts():
        script.with_suffix(".ipynb").write_text(notebook(script), encoding="utf-8")

"""The lecture's two tables beside the figures that were published (claims D1, D2), and one of its modules (C2).

Read it in this order: `published` (the papers' figures), `problems`, `machines` and `systems` (rows and columns),
`search` (random search on the validation set, kept trial by trial), `show` (the table as text, CSV, PNG and HTML).
"""

from .baseline import by_edges
from .problems import NAMES, problem
from .published import TABLES, Table
from .search import Cell, Search, measure, settings_of, tries
from .show import as_text, write_all

__all__ = ["NAMES", "TABLES", "Cell", "Search", "Table", "as_text", "by_edges", "measure", "problem",
           "settings_of", "tries", "write_all"]  # fmt: skip

"""The lecture's two tables, measured again beside the figures that were published (claims D1, D2).

Read it in this order: `published` (the papers' figures), `problems` and `systems` (rows and columns), `search` (random
search on the validation set, kept trial by trial), `show` (the table as text, CSV, PNG and HTML).
"""

from .baseline import by_edges
from .problems import NAMES, problem
from .published import TABLES, Table
from .search import Cell, Search, measure
from .show import as_text, write_all

__all__ = ["NAMES", "TABLES", "Cell", "Search", "Table", "as_text", "by_edges", "measure", "problem", "write_all"]

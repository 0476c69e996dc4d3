"""Makes the ledger part of every run that includes the proofs, and lets the engine's theorems speak of more ops."""

from runpy import run_path

import pytest

from proofs.coq.check import file_of
from proofs.harness.ledger import pytest_addoption as ledger_options
from proofs.harness.ledger import pytest_collection_modifyitems, pytest_terminal_summary
from proofs.harness.theorem import DERIVED
from tinygrad_dbn.files import write_atomically

__all__ = ["pytest_collection_modifyitems", "pytest_terminal_summary"]


def pytest_sessionfinish(session):
    theorems = session.config.stash.get(DERIVED, {})
    if (file := session.config.getoption("--coq-file")) and theorems and not session.testsfailed:
        write_atomically(file, file_of(theorems).encode())


def pytest_addoption(parser):
    ledger_options(parser)
    parser.addoption("--ops", metavar="FILE", help="run FILE first, whose rows then are proved like the library's own")


def pytest_configure(config):
    if file := config.getoption("--ops"):
        try:
            run_path(file)
        except (OSError, ImportError) as error:
            raise pytest.UsageError(f"--ops {file}: {error}; name a Python file that declares rows") from error
    if config.getoption("--coq-file") and (config.getoption("numprocesses", 0) or hasattr(config, "workerinput")):
        raise pytest.UsageError("--coq-file is written by one process: give -n0 as well")
    # pytester tests the theorem machinery; pytest allows `pytest_plugins` only in a top-level conftest.
    if not config.pluginmanager.has_plugin("pytester"):
        config.pluginmanager.import_plugin("pytester")

"""Makes the ledger part of every run that includes the proofs, and lets the engine's theorems speak of more ops."""

from runpy import run_path

from proofs.harness.ledger import pytest_addoption as ledger_options
from proofs.harness.ledger import pytest_collection_modifyitems, pytest_terminal_summary

__all__ = ["pytest_collection_modifyitems", "pytest_terminal_summary"]


def pytest_addoption(parser):
    ledger_options(parser)
    parser.addoption("--ops", metavar="FILE", help="run FILE first, whose rows then are proved like the library's own")


def pytest_configure(config):
    if config.getoption("--ops"):
        run_path(config.getoption("--ops"))
    # pytester tests the theorem machinery; pytest allows `pytest_plugins` only in a top-level conftest.
    if not config.pluginmanager.has_plugin("pytester"):
        config.pluginmanager.import_plugin("pytester")

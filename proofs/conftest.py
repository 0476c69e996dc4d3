"""Makes the ledger part of every run that includes the proofs."""

from proofs.harness.ledger import pytest_addoption, pytest_collection_modifyitems, pytest_terminal_summary

__all__ = ["pytest_addoption", "pytest_collection_modifyitems", "pytest_terminal_summary"]


def pytest_configure(config):
    # pytester tests the theorem machinery; pytest allows `pytest_plugins` only in a top-level conftest.
    if not config.pluginmanager.has_plugin("pytester"):
        config.pluginmanager.import_plugin("pytester")

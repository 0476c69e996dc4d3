"""Trainings of the tests just run: most are shorter than a compilation. Those of a test marked `compiled` may be."""

from contextlib import nullcontext

import pytest

from tinygrad_dbn import learning


@pytest.fixture(autouse=True)
def in_python(request):
    with nullcontext() if "compiled" in request.keywords else learning.uncompiled():
        yield

"""The same sum on Dask worker processes, one of which is killed half way. Needs the extra `cluster`."""

import os
import signal
import threading
import time

import numpy as np
import pytest

from tests.random_models import random_rbm, rows, stacked_dbn
from tinygrad_dbn import exact
from tinygrad_dbn.exact.sums import checkpoint, matrices

distributed = pytest.importorskip("distributed")


def test_workers_and_one_of_them_killed(tmp_path):
    rbm = random_rbm(25, 25, 0.3)
    alone = exact.log_partition(rbm)
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, local_directory=tmp_path
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        assert exact.log_partition(rbm, executor=client.get_executor()) == alone
        victim = next(iter(client.run(os.getpid).values()))

        def kill():
            time.sleep(0.05)
            os.kill(victim, signal.SIGKILL)

        threading.Thread(target=kill).start()
        assert exact.log_partition(rbm, executor=client.get_executor(), checkpoint=tmp_path / "z.json") == alone
        deadline = time.monotonic() + 30
        while victim in client.run(os.getpid).values() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert victim not in client.run(os.getpid).values()


def test_the_layers_of_a_dbn_on_workers_of_which_one_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(matrices, "ranges", lambda hidden, T: [(i, min(i + 512, T)) for i in range(0, T, 512)])
    dbn, X = stacked_dbn(20, 14, 14, 5, weights=0.3), rows(20, 1200)
    alone, error = exact.log_likelihood(dbn, X, with_error=True)
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=2, processes=True, dashboard_address=None, local_directory=tmp_path
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        victim = next(iter(client.run(os.getpid).values()))
        finished = []
        honest = checkpoint.Checkpoint.add

        def add(self, part, result):
            honest(self, part, result)
            finished.append(part)
            if len(finished) == 9:  # half way through the layer
                os.kill(victim, signal.SIGKILL)

        monkeypatch.setattr(checkpoint.Checkpoint, "add", add)
        settings = {"executor": client.get_executor(), "checkpoint": tmp_path / "p.json", "with_error": True}
        values, errors = exact.log_likelihood(dbn, X, **settings)
        np.testing.assert_array_equal(values, alone)
        np.testing.assert_array_equal(errors, error)
        assert len(finished) > 32  # 2^14 states in 32 chunks, and the examples
        assert {path.name for path in tmp_path.glob("p.json*")} == {"p.json", "p.json.h1", "p.json.x"}
        finished.clear()
        np.testing.assert_array_equal(exact.log_likelihood(dbn, X, **settings)[0], alone)
        assert finished == []  # nothing was left to do

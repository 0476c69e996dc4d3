"""The same sum on Dask worker processes, one of which is killed half way. Needs the extra `cluster`."""

import os
import signal
import threading
import time

import numpy as np
import pytest

import tinygrad_dbn as td
from tinygrad_dbn import exact

distributed = pytest.importorskip("distributed")


def test_workers_and_one_of_them_killed(tmp_path):
    rng, n = np.random.default_rng(0), 25
    rbm = td.RBM(rng.normal(0, 0.3, (n, n)), rng.normal(size=n), rng.normal(size=n))
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

"""Work in several processes: every result once, nothing left running, nothing lost to a process that is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tinygrad_dbn.lab.workers import workers


@pytest.mark.parametrize("processes", [1, 2])
def test_every_result_comes_with_its_arguments(processes):
    with workers(processes) as each:
        assert sorted(each(divmod, [(7, 2), (9, 5)])) == [((7, 2), (3, 1)), ((9, 5), (1, 4))]
        assert list(each(divmod, [])) == []


def leave_a_mark(folder, number):
    time.sleep(0.05)
    Path(folder, str(number)).touch()
    return 1 / number


@pytest.mark.parametrize("processes", [1, 2])
def test_an_error_drops_what_has_not_begun(processes, tmp_path):
    with pytest.raises(ZeroDivisionError), workers(processes) as each:
        list(each(leave_a_mark, [(str(tmp_path), number) for number in range(100)]))
    assert 1 <= len(list(tmp_path.iterdir())) < 30


def alive(pids):
    """Those that run; a zombie does not."""
    found = []
    for pid in pids:
        try:
            with open(f"/proc/{pid}/stat") as stat:
                found += [pid] if stat.read().rpartition(")")[2].split()[0] != "Z" else []
        except OSError:
            pass
    return found


MEASUREMENT = """
import sys, time
from pathlib import Path
import numpy as np
from tinygrad_dbn.lab.claims import Experiment, run

def weigh(condition, seed, quick):
    time.sleep(0.3)
    return {"weight": float(np.random.default_rng([seed, len(condition)]).normal())}

if __name__ == "__main__":
    scales = Experiment(
        claim="Z1", title="Weights", method="Weighed.", conditions=("light", "heavier"), seeds=3, measure=weigh,
        columns={"weight": "kg"}, comparisons=(), draw=lambda results, dark: b"",
    )
    run(scales, Path(sys.argv[1]), processes=2)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="looks at processes as Linux shows them")
def test_a_killed_measurement_leaves_no_process_and_goes_on_to_the_same_figures(tmp_path):
    script = tmp_path / "scales.py"
    script.write_text(MEASUREMENT)
    command = [sys.executable, str(script)]
    killed = subprocess.Popen([*command, str(tmp_path / "killed")], start_new_session=True)
    until = time.monotonic() + 120
    while not list((tmp_path / "killed").glob("*.json")) and time.monotonic() < until:
        time.sleep(0.05)
    children = subprocess.run(
        ["ps", "-o", "pid=", "--sid", str(killed.pid)], capture_output=True, text=True, check=True
    )
    pids = [int(pid) for pid in children.stdout.split()]
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    done = sorted(path.name for path in (tmp_path / "killed").glob("*.json"))
    assert 1 <= len(done) < 6
    assert len(pids) >= 3  # itself and its workers
    while alive(pids) and time.monotonic() < until:
        time.sleep(0.05)
    assert alive(pids) == []

    subprocess.run([*command, str(tmp_path / "killed")], check=True, capture_output=True)
    found = [json.loads(path.read_text()) for path in (tmp_path / "killed").glob("*.json")]
    assert {(one["condition"], one["seed"]): one["figures"]["weight"] for one in found} == {
        (condition, seed): np.random.default_rng([seed, len(condition)]).normal()
        for condition in ("light", "heavier")
        for seed in range(3)
    }

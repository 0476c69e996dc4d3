"""A long sum as chunks: fixed before it starts, computed anywhere, in any order, and combined in one order.

So the result has the same bits on one thread, on eight, in processes or on a cluster of like machines. A chunk carries
only the model and its range, and may be computed twice. Where a worker dies, Dask's scheduler gives its chunks to
another; `ProcessPoolExecutor` gives up, and the checkpoint has what was finished.

    with distributed.Client("scheduler:8786") as client:                     # Dask; extra `cluster`
        log_partition(rbm, executor=client.get_executor(), checkpoint="z.json", max_seconds=1e7)

    with mpi4py.futures.MPIPoolExecutor() as pool:                           # mpiexec -n 100 python -m mpi4py.futures …
        log_partition(rbm, executor=pool, checkpoint="z.json", max_seconds=1e7)

What can be reached, for n = m units and a day's time, at the 1.2e10 (unit, state) pairs per second that one core of
`benchmarks/exact_sums.py` sums (n 2^n pairs; a day is 1.0e15 of them per core):

    cores      10    1 000    100 000
    n          47       54         60
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from os import PathLike
from typing import Any

from ..budget import cores
from .checkpoint import Checkpoint, Part, Range, Valid

SECONDS = 0.5  # a chunk's estimated time on one core: long beside sending it, short beside losing it
FEWEST, MOST = 64, 1 << 14  # chunks: a share for every core; a list of them that a checkpoint can hold


def ranges(blocks: int, seconds_per_block: float) -> list[Range]:
    """0 … blocks − 1 (a power of two) cut into equal chunks: a function of the sum alone, not of the machine's load."""
    per_chunk = max(1, blocks // FEWEST)
    while per_chunk > max(1, blocks // MOST) and per_chunk * seconds_per_block > SECONDS:
        per_chunk //= 2
    while per_chunk < blocks and per_chunk * seconds_per_block < SECONDS / 500:
        per_chunk *= 2
    return [(first, first + per_chunk) for first in range(0, blocks, per_chunk)]


def run(
    compute: Callable[..., Part],
    model: tuple[Any, ...],
    parts: Sequence[Range],
    *,
    executor: Executor | None = None,
    checkpoint: str | PathLike[str] | None = None,
    valid: Valid = lambda part, found: True,
) -> list[Part]:
    """compute(*model, first, last) for every range of `parts`, in their order.

    executor: any `concurrent.futures.Executor`; None runs threads on this machine's cores, for `compute` is to release
    the interpreter's lock. checkpoint: a file that keeps what is finished, read first if it exists; valid: says
    which numbers of it can be those of a range, the rest is refused. On Ctrl-C, or any other error, what is finished is
    written, what has not begun is cancelled, and the error is raised at once.
    """
    store = Checkpoint(checkpoint, compute, model, parts, valid)
    missing = [part for part in parts if part not in store.done]
    if executor is None and len(missing) < 2:
        for part in missing:
            store.add(part, compute(*model, *part))
        store.write()
        return [store.done[part] for part in parts]
    own = ThreadPoolExecutor(min(len(missing), cores())) if executor is None else None
    futures: dict[Future[Part], Range] = {}
    try:
        futures = {(own or executor).submit(compute, *model, *part): part for part in missing}  # type: ignore[union-attr]
        for future in as_completed(futures):
            store.add(futures[future], future.result())
    except BaseException:
        for future in futures:
            future.cancel()
        raise
    finally:
        if own is not None:
            own.shutdown(wait=False, cancel_futures=True)
        store.write()
    return [store.done[part] for part in parts]

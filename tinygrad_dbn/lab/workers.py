"""Work that is done in several processes: each result comes as soon as it is there."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Any

Each = Callable[[Callable[..., Any], Sequence[tuple[Any, ...]]], Iterable[tuple[tuple[Any, ...], Any]]]
"""each(function, arguments): (a, function(*a)) for each a of the arguments, in the order in which they are done."""


@contextmanager
def workers(processes: int) -> Iterator[Each]:
    """Gives `each`, which does the work in so many processes of its own; for one, in this process.

    On an error, or Ctrl-C, what has not begun is dropped. The processes end with this one, even where it is killed.
    """
    if processes == 1:
        yield _here
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_end_with_parent) as pool:

        def each(
            function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]
        ) -> Iterable[tuple[tuple[Any, ...], Any]]:
            futures = {pool.submit(function, *a): a for a in arguments}
            return ((futures[future], future.result()) for future in as_completed(futures))

        try:
            yield each
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _here(function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> Iterable[tuple[tuple[Any, ...], Any]]:
    return ((a, function(*a)) for a in arguments)


def _end_with_parent() -> None:
    """A worker whose parent is killed would wait for more work forever."""
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    Thread(target=watch, daemon=True).start()

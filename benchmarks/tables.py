"""How benchmarks print: the machine at the head, tables with rich on a terminal and plain in a pipe."""

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("tinygrad_dbn", "numpy", "numba")
WIDTHS = {"avx512f": 512, "avx2": 256, "avx": 256, "sse2": 128}


def heading():
    """Machine, cores, load, versions, BLAS: without them no figure means anything."""
    import numpy  # noqa: F401  # loads its BLAS, for threadpoolctl to find
    from threadpoolctl import threadpool_info  # here: an interpreter that runs peers alone need not have it

    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
        flags = next((line.split() for line in lines if line.startswith("flags")), [])
        bits = next((width for flag, width in WIDTHS.items() if flag in flags), "unknown")
    except (OSError, StopIteration):
        model, bits = platform.processor() or platform.machine(), "unknown"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    print(f"{model}, vectors of {bits} bits, {cores} cores, load {load} before the start; ", end="")
    print(f"{platform.system()}, Python {sys.version.split()[0]}")
    print(", ".join(f"{name} {version_of(name)}" for name in PACKAGES), end="")
    told = [f"{name}={os.environ[name]}" for name in ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES") if name in os.environ]
    print("".join(f"; {each}" for each in told), end="")  # machine code for another processor than this one
    for blas in (pool for pool in threadpool_info() if pool["user_api"] == "blas"):
        kernels = blas.get("architecture", "unknown")
        print(
            f"; {blas['internal_api']} {blas['version']}, kernels for {kernels}, {blas['num_threads']} threads", end=""
        )
    print(flush=True)


def version_of(package):
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def show(title, columns, rows):
    """A table of strings, the first column to the left and the others to the right."""
    print()
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.table import Table

        table = Table(title=title, title_justify="left", box=None, pad_edge=False)
        for i, column in enumerate(columns):
            table.add_column(column, justify="right" if i else "left")
        for row in rows:
            table.add_row(*row)
        Console(highlight=False).print(table)
        return
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    print(title)
    for row in (columns, *rows):
        cells = [cell.rjust(w) if i else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))]
        print("  " + "  ".join(cells).rstrip(), flush=True)

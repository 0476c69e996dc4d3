"""The folder of a run: what may be written into it, by whom, and what is found there again."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from ... import files
from .description import GIVE, Description, from_json

CHECKPOINT = "checkpoint.safetensors"
REFERENCE = "reference.csv"  # of runs beside which exact maximum likelihood was trained
AUDIT = ("audit.json", "audit.png")  # of runs with --audit only
# Everything the lab ever writes. Nothing else in a folder is replaced or removed.
FILES = (
    "run.json",
    "history.csv",
    REFERENCE,
    "model.safetensors",
    "curves.png",
    "samples.png",
    "filters.png",
    *AUDIT,
    "report.html",
    CHECKPOINT,
)


def create(out: Path | None, data: str, force: bool, now: datetime) -> Path:
    """A folder for a new run: `out`, or a fresh one under runs/ named by the time and the data.

    Raises FileExistsError where `out` holds anything, unless `force` is given and what would be
    replaced was written by the lab; then exactly the lab's own files are removed.
    """
    if out is None:
        return _fresh(Path("runs"), f"{now:%Y%m%d-%H%M%S}-{_plain(data)}")
    if out.exists() and not out.is_dir():
        raise FileExistsError(f"{out} is a file; give --out a folder")
    out.mkdir(parents=True, exist_ok=True)
    present = sorted(entry.name for entry in out.iterdir())
    if present and not force:
        raise FileExistsError(
            f"{out} is not empty and is left as it is; give --out a new folder, or --force to replace the "
            "lab's files in it, or --resume to go on with the run in it"
        )
    ours = [name for name in FILES if name in present]
    if ours and not is_run(out / "run.json"):
        raise FileExistsError(
            f"{out} holds {', '.join(ours)}, but no run of the lab (no run.json of its own), so even --force "
            "leaves them as they are; give --out another folder"
        )
    with lock(out):
        # run.json last: a folder half emptied is still known as the lab's.
        for name in reversed(ours):
            (out / name).unlink()
    return out


def sweep(folder: Path) -> None:
    """Remove the half-written files of a run that was killed while it wrote."""
    for half in folder.glob(f"{files.TEMPORARY_PREFIX}*.tmp"):
        half.unlink(missing_ok=True)


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Keep a second lab out of `folder`. The system frees the lock when the process ends, however it ends.

    Raises BlockingIOError where another lab holds it.
    """
    try:
        import fcntl
    except ImportError:  # no such locks on this system
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BlockingIOError(
                error.errno, f"{folder}: another lab is writing into it; wait for it, or stop it"
            ) from None
        yield
    finally:
        os.close(handle)


def write(folder: Path, name: str, content: bytes) -> None:
    """Write one of the lab's files, whole or not at all."""
    assert name in FILES
    files.write_atomically(folder / name, content)


def read_description(folder: Path) -> Description:
    """The run.json of a folder. Raises FileNotFoundError or ValueError where there is no run of the lab."""
    path = folder / "run.json"
    if not os.path.isfile(path):
        raise FileNotFoundError(
            f"{files.shown(folder)} holds no run to resume (no run.json); start one without --resume"
        )
    return from_json(path)


def is_run(path: Path) -> bool:
    """Whether the lab wrote this run.json, in whatever version and state: what --force may replace."""
    try:
        value = json.loads(files.read(path, GIVE))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(value, dict) and (
        value.get("program") == "tinygrad-dbn lab" or str(value.get("format")).startswith("tinygrad_dbn run ")
    )


def _fresh(parent: Path, name: str) -> Path:
    parent.mkdir(exist_ok=True)
    count = 1
    while True:
        folder = parent / (name if count == 1 else f"{name}-{count}")
        try:
            folder.mkdir()
        except FileExistsError:  # a run started in the same second
            count += 1
        else:
            return folder


def _plain(data: str) -> str:
    """The data's name as a part of a file name."""
    stem = Path(data).stem if "/" in data or os.sep in data else data
    # 40 characters of four bytes leave room for the time.
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in stem)[:40].strip("-") or "data"

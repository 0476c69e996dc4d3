"""The folder of a run: what may be written into it, by whom, and what is found there again."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from .. import storage

CHECKPOINT = "checkpoint.safetensors"
AUDIT = ("audit.json", "audit.png")  # of runs with --audit only
# Everything the lab ever writes. Nothing else in a folder is replaced or removed.
FILES = (
    "run.json",
    "history.csv",
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
    if ours and not _is_run(out / "run.json"):
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
    for half in folder.glob(f"{storage.TEMPORARY_PREFIX}*.tmp"):
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
    storage.write_atomically(folder / name, content)


def write_json(folder: Path, value: dict[str, Any]) -> None:
    """Write run.json, in a form that a person can read."""
    write(folder, "run.json", (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


def read_json(folder: Path) -> dict[str, Any]:
    """The run.json of a folder. Raises FileNotFoundError or ValueError where there is no run of the lab."""
    path = folder / "run.json"
    if not path.is_file():
        raise FileNotFoundError(f"{folder} holds no run to resume (no run.json); start one without --resume")
    if not _is_run(path):
        raise ValueError(f"{path} was not written by the lab, or is damaged; start a new run in another folder")
    value: dict[str, Any] = json.loads(path.read_bytes())
    return value


def _is_run(path: Path) -> bool:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    parts = {"program": str, "arguments": dict, "data": dict, "seconds": float, "finished": bool}
    return (
        isinstance(value, dict)
        and value.get("program") == "tinygrad-dbn lab"
        and all(isinstance(value.get(name), kind) for name, kind in parts.items())
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
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in stem)[:60].strip("-") or "data"

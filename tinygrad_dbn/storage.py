"""Models on disk: safetensors files, never pickle, and never half a file.

A model is a tree of frozen dataclasses, tuples, arrays, numbers and strings. The arrays become tensors
named by their place ("layers.0.W"); the rest is one JSON text in the file's metadata. Class names are
looked up in a fixed registry, so a file can name a model but can never name code.
"""

import dataclasses
import importlib
import json
import os
import secrets
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_REGISTRY = {
    "RBM": "tinygrad_dbn.models",
    "DBN": "tinygrad_dbn.models",
    "DirectedLayer": "tinygrad_dbn.models",
    "FeedForward": "tinygrad_dbn.models",
    "Autoencoder": "tinygrad_dbn.models",
    "Progress": "tinygrad_dbn.learning",
    "Descent": "tinygrad_dbn.learning",
    "Epoch": "tinygrad_dbn.learning",
    "Fit": "tinygrad_dbn.learning",
    "HessianFree": "tinygrad_dbn.learning",
}
_KEY = "tinygrad_dbn"  # the metadata's only entry: the order of several would differ from run to run
_DTYPES = {"float64", "float32", "float16", "bool"} | {f"{u}int{n}" for u in ("", "u") for n in (8, 16, 32, 64)}

Scalar = str | int | float | bool | None


def save(path: str | os.PathLike[str], model: Any) -> None:
    """Write `model` to `path`, whole or not at all: an older file stays until the new one is complete.

    `model` is an RBM, DBN, FeedForward, … or a tuple of them. `load` gives it back bit for bit, dtypes
    kept; the same model always makes the same bytes.
    Raises TypeError for anything else inside it (naming the place), OSError where the disk refuses.
    """
    from safetensors.numpy import save as to_bytes

    tensors: dict[str, NDArray[Any]] = {}
    structure = _describe(model, "", tensors)
    text = json.dumps(structure, separators=(",", ":"), ensure_ascii=True)
    write_atomically(path, to_bytes(tensors, metadata={_KEY: text}))


def load(path: str | os.PathLike[str]) -> Any:
    """The model that `save` wrote to `path`.

    Raises FileNotFoundError, or ValueError for a file that `save` did not write or that was damaged
    since: it says which tensor, field or class is at fault. Nothing from the file is ever executed.
    """
    from safetensors import SafetensorError, safe_open

    file = Path(path)
    if not file.exists():
        raise FileNotFoundError(f"{file}: no such file")
    if not file.is_file():
        raise ValueError(f"{file} is not a file; give the .safetensors file that tinygrad_dbn.save wrote")
    try:
        with safe_open(file, framework="numpy") as opened:
            text = (opened.metadata() or {}).get(_KEY)
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 (no mapping)
    except SafetensorError as error:
        raise ValueError(f"{file} is not a whole safetensors file ({error})") from error
    if text is None:
        raise ValueError(
            f"{file} is a safetensors file of another program; only files of tinygrad_dbn.save can be read"
        )
    try:
        model = _rebuild(json.loads(text), "", tensors)
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"{file} does not hold a valid model: {error}") from error
    if tensors:
        raise ValueError(f"{file} holds tensors that belong to no field: {', '.join(sorted(tensors))}")
    return model


def write_atomically(path: str | os.PathLike[str], content: bytes) -> None:
    """Put `content` at `path` in one step: a reader, a crash or a full disk sees the old file or the new one.

    A link is followed and an existing file's permissions are kept. Raises OSError naming `path` and why.
    """
    # Through links, or the replacement would cut the link instead of changing the file.
    target = Path(os.path.realpath(path))
    temporary = target.parent / f"{TEMPORARY_PREFIX}{secrets.token_hex(4)}.tmp"
    try:
        try:
            with temporary.open("xb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
            if target.exists():
                shutil.copymode(target, temporary)
            os.replace(temporary, target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        kept = "; the file that was there is untouched" if target.is_file() else ""
        raise OSError(error.errno, f"cannot write {path}: {error.strerror or error}{kept}") from error


TEMPORARY_PREFIX = ".tinygrad_dbn-"


def _describe(value: Any, place: str, tensors: dict[str, NDArray[Any]]) -> Any:
    """The JSON structure of `value`; its arrays are added to `tensors` under their places."""
    name = type(value).__name__
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        if name not in _REGISTRY or _class(name) is not type(value):
            raise TypeError(f"save: {place or 'the model'} is a {name}; models are {', '.join(_REGISTRY)}")
        fields = {
            f.name: _describe(getattr(value, f.name), _at(place, f.name), tensors) for f in dataclasses.fields(value)
        }
        return {"class": name, "fields": fields}
    if type(value) is tuple:
        return [_describe(item, _at(place, i), tensors) for i, item in enumerate(value)]
    if isinstance(value, np.ndarray):
        if value.dtype.name not in _DTYPES:
            raise TypeError(f"save: {place or 'the model'} has dtype {value.dtype}; write float32 or float64")
        key = place or "value"
        # The format's writer reads memory as it lies: native byte order and C order, without exception.
        tensors[key] = np.array(value, dtype=value.dtype.newbyteorder("="), order="C")
        return {"array": key}
    if value is None or type(value) in (str, int, float, bool):
        return value
    raise TypeError(
        f"save: {place or 'the model'} is a {name}; a model holds arrays, numbers, strings, tuples and "
        f"{', '.join(_REGISTRY)}"
    )


def _rebuild(structure: Any, place: str, tensors: dict[str, NDArray[Any]]) -> Any:
    """The value that `_describe` described; each tensor is taken out of `tensors` as it is used."""
    where = place or "the model"
    if isinstance(structure, list):
        return tuple(_rebuild(item, _at(place, i), tensors) for i, item in enumerate(structure))
    if not isinstance(structure, dict):
        return structure
    if structure.keys() == {"array"}:
        key = structure["array"]
        if not isinstance(key, str) or key not in tensors:
            raise ValueError(f"the tensor {key!r} of {where} is missing")
        return tensors.pop(key)
    if structure.keys() != {"class", "fields"} or not isinstance(structure["fields"], dict):
        raise ValueError(f"{where} is described by neither a class nor an array")
    name, fields = structure["class"], structure["fields"]
    if name not in _REGISTRY:
        raise ValueError(f"{where} is of the unknown class {name!r}; known are {', '.join(_REGISTRY)}")
    cls = _class(name)
    expected = {f.name for f in dataclasses.fields(cls)}
    if fields.keys() != expected:
        raise ValueError(f"{where}, a {name}, has the fields {sorted(fields)}, not {sorted(expected)}")
    return cls(**{key: _rebuild(item, _at(place, key), tensors) for key, item in fields.items()})


def _class(name: str) -> Any:
    return getattr(importlib.import_module(_REGISTRY[name]), name, None)


def _at(place: str, part: str | int) -> str:
    return f"{place}.{part}" if place else str(part)

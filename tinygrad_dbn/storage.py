"""Models on disk: safetensors files, never pickle, never half a file, and never a damaged one taken for a model.

A model is a tree of frozen dataclasses, tuples, arrays, numbers and strings. The arrays become tensors named by their
place ("layers.0.W"); the rest is a record in the file's metadata, sealed together with a digest of the tensors. Class
names are looked up in a fixed registry, so a file can name a model but can never name code.
"""

import dataclasses
import hashlib
import json
import os
from typing import Any, get_type_hints

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as to_tensors
from safetensors.numpy import save as to_bytes

from . import files, records
from .autodiff.callers import warn
from .autodiff.trees import field_of
from .learning import Descent, Embedded, Epoch, Fit, HessianFree, Progress
from .models import (
    DBM,
    DBN,
    RBM,
    Autoencoder,
    CategoricalLayer,
    CategoricalRBM,
    DirectedLayer,
    FeedForward,
    GaussianLayer,
    GaussianRBM,
)

CLASSES: dict[str, Any] = {
    cls.__name__: cls
    for cls in (
        *(RBM, GaussianRBM, CategoricalRBM, DirectedLayer, GaussianLayer, CategoricalLayer, DBN, DBM),
        *(FeedForward, Autoencoder, Progress, Descent, Embedded, Epoch, Fit, HessianFree),
    )
}
FORMAT = "tinygrad_dbn model 2"
_KEY = "tinygrad_dbn"  # the metadata's only entry: the order of several would differ from run to run
_GIVE = "give a file that tinygrad_dbn.save wrote, or a whole copy of this one"
_FIELDS = {"run": str, "tensors": str, "value": Any}
_DTYPES = {"float64", "float32", "float16", "bool"} | {f"{u}int{n}" for u in ("", "u") for n in (8, 16, 32, 64)}

Tensors = dict[str, NDArray[Any]]


def save(path: str | os.PathLike[str], model: Any, *, run: str = "") -> None:
    """Write `model` to `path`, whole or not at all: an older file stays until the new one is complete.

    `model` is an RBM, DBN, FeedForward, … or a tuple of them. `load` gives it back bit for bit, dtypes
    kept; the same model always makes the same bytes. run: the digest of the run that it is a state of, if it is.
    Raises TypeError for anything else inside it (naming the place), OSError where the disk refuses.
    """
    tensors: Tensors = {}
    structure = describe(model, "", tensors)
    content = {"run": run, "tensors": digest_of(tensors), "value": structure}
    record = records.seal(FORMAT, content, finite=False)
    files.write_atomically(path, to_bytes(tensors, metadata={_KEY: record.decode()}))


def load(path: str | os.PathLike[str], *, run: str | None = None) -> Any:
    """The model that `save` wrote to `path`; with `run`, only one that was saved as a state of it.

    Raises FileNotFoundError, OSError where the system refuses, or ValueError for a file that `save` did not write, or
    that was damaged since: it says which tensor, field or class is at fault. Nothing from the file is ever executed.
    A file of the first version has no checksum: it is read, with a warning that damage to it cannot be seen.
    """
    name = files.shown(path)
    tensors, text = _parts(files.read(path, _GIVE), name)
    structure = None if run is not None else _unsealed(text)
    if structure is not None:
        warn(
            f"{name} is of the first version, which had no checksum: damage to it cannot be seen; "
            "save the model again with tinygrad_dbn.save",
            UserWarning,
        )
    else:
        belongs: dict[str, Any] = {} if run is None else {"run": run}
        schema = {key: hint for key, hint in _FIELDS.items() if key not in belongs}
        record = records.unseal(text, name, FORMAT, belongs, schema, _GIVE, finite=False)
        if record["tensors"] != digest_of(tensors):
            raise ValueError(f"{name} was damaged since it was written: its tensors do not fit their checksum; {_GIVE}")
        structure = record["value"]
    try:
        model = _rebuild(structure, "", tensors)
        if tensors:
            raise ValueError(f"it holds tensors that belong to no field: {', '.join(sorted(tensors))}")
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"{name} does not hold a valid model: {files.printable(str(error))}; {_GIVE}") from error
    return model


def _parts(content: bytes, name: str) -> tuple[Tensors, bytes]:
    """The tensors of a safetensors file, and our record in its metadata."""
    try:
        # Copies: arrays of their own, which can be written to.
        tensors = {key: np.array(array) for key, array in to_tensors(content).items()}
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    except (SafetensorError, ValueError, KeyError, RecursionError) as error:  # KeyError: a dtype that NumPy has not
        raise ValueError(f"{name} is not a whole safetensors file ({error}); {_GIVE}") from error
    text = header.get("__metadata__", {}).get(_KEY)
    if text is None:
        raise ValueError(f"{name} is a safetensors file of another program; {_GIVE}")
    return tensors, text.encode("utf-8", "surrogatepass")


def digest_of(tensors: Tensors) -> str:
    """SHA-256 of names, dtypes, shapes and values."""
    digest = hashlib.sha256()
    for key, array in sorted(tensors.items()):
        digest.update(repr((key, array.dtype.name, array.shape)).encode("utf-8", "surrogatepass"))
        digest.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).data)
    return digest.hexdigest()


def _unsealed(text: bytes) -> Any:
    """The structure of a file of the first version, or None: there it was the whole text."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if not isinstance(value, dict) or value.keys() in ({"class", "fields"}, {"array"}) else None


def describe(value: Any, place: str, tensors: Tensors) -> Any:
    """The JSON structure of `value`; its arrays are added to `tensors` under their places."""
    name = type(value).__name__
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        if CLASSES.get(name) is not type(value):
            raise TypeError(f"save: {place or 'the model'} is a {name}; models are {', '.join(CLASSES)}")
        fields = {
            f.name: describe(getattr(value, f.name), field_of(place, f.name), tensors)
            for f in dataclasses.fields(value)
        }
        return {"class": name, "fields": fields}
    if type(value) is tuple:
        return [describe(item, f"{place}[{i}]", tensors) for i, item in enumerate(value)]
    if isinstance(value, np.ndarray):
        if value.dtype.name not in _DTYPES:
            raise TypeError(f"save: {place or 'the model'} has dtype {value.dtype}; write float32 or float64")
        key = place.replace("[", ".").replace("]", "").lstrip(".") or "value"  # layers[0].W is layers.0.W in files
        # The format's writer reads memory as it lies: native byte order and C order, without exception.
        tensors[key] = np.array(value, dtype=value.dtype.newbyteorder("="), order="C")
        return {"array": key}
    if value is None or type(value) in (str, int, float, bool):
        return value
    raise TypeError(
        f"save: {place or 'the model'} is a {name}; a model holds arrays, numbers, strings, tuples and "
        f"{', '.join(CLASSES)}"
    )


def _rebuild(structure: Any, place: str, tensors: Tensors) -> Any:
    """The value of a structure that `describe` made; each tensor is taken out of `tensors` as it is used."""
    where = place or "the model"
    if isinstance(structure, list):
        return tuple(_rebuild(item, f"{place}[{i}]", tensors) for i, item in enumerate(structure))
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
    if name not in CLASSES:
        raise ValueError(f"{where} is of the unknown class {name!r}: of another program, or a later version")
    hints = get_type_hints(CLASSES[name])
    if fields.keys() != hints.keys():
        raise ValueError(f"{where}, a {name}, has the fields {sorted(fields)}, not {sorted(hints)}")
    found = {key: _rebuild(item, field_of(place, key), tensors) for key, item in fields.items()}
    return CLASSES[name](**{key: records.typed(hints[key], found[key], field_of(place, key)) for key in found})

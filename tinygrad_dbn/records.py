"""Records: the JSON that the program reads back, sealed so that nothing damaged or foreign is believed.

A record names its format, says what it belongs to, and ends with the SHA-256 of every byte before. Nothing of it is
parsed before that digest is found right.
"""

import dataclasses
import hashlib
import json
import math
import re
from contextlib import suppress
from types import NoneType, UnionType
from typing import Any, NoReturn, Union, get_args, get_origin, get_type_hints

from . import files

_SEAL = re.compile(rb',\s*"sha256": "([0-9a-f]{64})"\s*}\s*\Z')


def seal(format: str, content: dict[str, Any], *, indent: int | None = None, finite: bool = True) -> bytes:
    """A record of `content`. Raises ValueError for NaN and inf, unless finite=False."""
    text = json.dumps({"format": format, **content}, indent=indent, ensure_ascii=False, allow_nan=not finite)
    # A surrogate, in a file name that is not UTF-8, becomes the escape that JSON has for it.
    body = text[:-1].rstrip().encode("utf-8", "backslashreplace")
    before, after = (b", ", b"}") if indent is None else (b",\n" + b" " * indent, b"\n}\n")
    return body + before + f'"sha256": "{hashlib.sha256(body).hexdigest()}"'.encode() + after


def read(
    path: files.Name, format: str, of: dict[str, Any], schema: dict[str, Any], give: str, *, finite: bool = True
) -> dict[str, Any]:
    """The content of the record in a file. For the arguments, and what is raised, see `unseal`; and `files.read`."""
    return unseal(files.read(path, give), files.shown(path), format, of, schema, give, finite=finite)


def unseal(
    raw: bytes, name: str, format: str, of: dict[str, Any], schema: dict[str, Any], give: str, *, finite: bool = True
) -> dict[str, Any]:
    """The content of a record: exactly the fields of `schema`, each of the type that it gives them (see `typed`).

    of: what the record must say that it belongs to, some of its fields with their values.
    Raises ValueError that begins with `name`, says what is wrong, and ends with `give`, what to give instead.
    """
    found = _SEAL.search(raw)
    if found is None:
        _refuse(name, f"carries no checksum: it is no {format}, or of an earlier version, or cut off", give)
    if hashlib.sha256(raw[: found.start()]).hexdigest().encode() != found[1]:
        _refuse(name, "was damaged or changed since it was written: its checksum does not fit", give)
    constants = {"parse_constant": _not_finite, "parse_float": _finite} if finite else {}
    try:
        content = json.loads(raw, **constants)  # type: ignore[arg-type]
        kind = content.pop("format")
        if kind != format:
            raise ValueError(f"it is a {kind!r:.60}")
        del content["sha256"]
        read: dict[str, Any] = typed({**dict.fromkeys(of, Any), **schema}, content, "it")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        _refuse(name, f"is no {format} ({error})", give)
    for key, wanted in of.items():
        if (given := read.pop(key)) != wanted:
            plain = len(repr(wanted)) < 60  # a digest says nothing to a person
            _refuse(name, f"is of {key} {given!r:.60}, not {wanted!r}" if plain else f"belongs to another {key}", give)
    return read


def typed(hint: Any, value: Any, place: str) -> Any:
    """`value`, as JSON has it, as the type `hint`: lists become tuples, and objects dataclasses, where it says so.

    What already is of the type passes. A dictionary of types stands for an object of just these fields.
    Raises ValueError naming the place in `place` where the value is of another type.

    >>> typed(tuple[float, ...], [1, 2.5], "rates")
    (1, 2.5)
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return value
    if origin in (Union, UnionType):
        for one in arguments:
            with suppress(ValueError):
                return typed(one, value, place)
    elif dataclasses.is_dataclass(hint):
        if isinstance(value, hint):  # type: ignore[arg-type]
            return value
        if isinstance(value, dict):
            return hint(**typed(get_type_hints(hint), value, place))  # type: ignore[operator]
    elif isinstance(hint, dict):
        if isinstance(value, dict) and value.keys() == hint.keys():
            return {key: typed(of, value[key], f"{place}.{key}") for key, of in hint.items()}
        raise ValueError(f"{place} is {value!r:.40}, not an object of {', '.join(hint)}")
    elif origin in (tuple, list) and isinstance(value, list | tuple):
        return origin(typed(arguments[0], item, f"{place}[{i}]") for i, item in enumerate(value))
    elif origin is dict and isinstance(value, dict):
        return {key: typed(arguments[1], item, f"{place}.{key}") for key, item in value.items()}
    elif hint is float and type(value) in (int, float):
        with suppress(OverflowError):  # an integer may be beyond a double
            float(value)
            return value
    elif hint is NoneType and value is None:
        return None
    elif isinstance(hint, type) and type(value) is hint:
        return value
    raise ValueError(f"{place} is {value!r:.40}, not {getattr(hint, '__name__', hint)}")


def _refuse(name: str, wrong: str, give: str) -> NoReturn:
    raise ValueError(f"{name} {files.printable(wrong)}; {give}") from None


def _not_finite(constant: str) -> NoReturn:
    raise ValueError(f"{constant} in it")


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _not_finite(text)

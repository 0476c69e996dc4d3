"""Every file that the program reads, damaged in every way there is room to try: refused, or read as it was.

The files (`kinds_of_files.py`) are damaged by flipped bits, by cuts, by pieces that are lost, doubled or overwritten,
by other files' content, and – sealed again, its checksum right – by values of other types. A reader refuses with one
sentence that names the file and the way out, or gives exactly what the whole file holds. A user's own data have no
checksum: there it refuses, or gives examples of the kind that it promises.

`python -m tests.test_damaged_files` prints how many faults were tried on each kind, and how they ended.
"""

import ast
import dataclasses
import hashlib
import json
import tempfile
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load as to_tensors
from safetensors.numpy import save as to_bytes

import tinygrad_dbn as td
from tests.kinds_of_files import KINDS, MODELS, a_run
from tinygrad_dbn import storage
from tinygrad_dbn.lab.run import folder

PACKAGE = Path(td.__file__).parent

# ---- The damage ------------------------------------------------------------------------------------------------------


def flips(content, rng):
    for at in rng.choice(8 * len(content), min(200, 8 * len(content)), replace=False):
        damaged = bytearray(content)
        damaged[at // 8] ^= 1 << (at % 8)
        yield "bit flipped", bytes(damaged)


def cuts(content, rng):
    for at in {0, 1, len(content) - 1, *rng.integers(0, len(content), 20)}:
        yield "cut", content[:at]


def pieces(content, rng):
    for _ in range(30):
        first, last = sorted(rng.integers(0, len(content) + 1, 2))
        yield "piece lost", content[:first] + content[last:]
        yield "piece doubled", content[:last] + content[first:]
        yield "piece overwritten", content[:first] + bytes(last - first) + content[last:]
        yield "piece overwritten", content[:first] + rng.bytes(int(last - first)) + content[last:]


def strangers(content, rng):
    yield "of another kind", b"\x80\x04K\x01."
    yield "of another kind", b"{}"
    yield "of another kind", b"[" * 100_000
    yield "of another kind", content[::-1]


OTHERS = (None, True, -1, 2.5, 1e308, "x", "nan", "0x1p99999", [], [[1]], {}, {"class": "RBM", "fields": {}}, 10**400)


def kind_of(value):
    return "number" if type(value) in (int, float) else type(value).__name__


def places(value, trail=()):
    """Every place within a JSON value, and what is there."""
    yield trail, value
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield from places(item, (*trail, key))


def put(value, trail, new):
    if not trail:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[trail[0]] = put(copy[trail[0]], trail[1:], new)
    return copy


def record_of(content):
    """The sealed text in a file, and what puts another in its place; None where there is none."""
    if content.startswith(b"{"):
        return content.decode(), lambda text: text
    length = int.from_bytes(content[:8], "little")
    if not content[8:].startswith(b'{"__metadata__"'):
        return None
    text = json.loads(content[8 : 8 + length])["__metadata__"]["tinygrad_dbn"]
    return text, lambda text: to_bytes(to_tensors(content), metadata={"tinygrad_dbn": text.decode()})


def resealed(text):
    """A record whose checksum is right, whatever its text."""
    body = text.rstrip()[:-1].encode("utf-8", "backslashreplace")
    return body + f', "sha256": "{hashlib.sha256(body).hexdigest()}"}}'.encode()


def other_values(content, rng):
    """Values of another type at every place of a record, sealed again; the places that are open are told apart."""
    found = record_of(content)
    if found is None or "sha256" not in found[0]:
        return
    text, back = found
    whole = json.loads(text)
    del whole["sha256"]
    for trail, value in places(whole):
        others = [o for o in OTHERS if kind_of(o) != kind_of(value)]
        for new in (others[i] for i in rng.choice(len(others), 4, replace=False)):
            yield trail, back(resealed(json.dumps(put(whole, trail, new))))
        if isinstance(value, dict):
            for key in value:
                fewer = {k: v for k, v in value.items() if k != key}
                yield trail, back(resealed(json.dumps(put(whole, trail, fewer))))
    at = text.index(":") + 1
    for wild in ("[" * 100_000 + "]" * 100_000, "1" * 5000, "1e999", "NaN", '"\\ud800"', "{" * 50):
        yield ("format",), back(resealed(f"{text[:at]} {wild}, {text[at:]}"))


# ---- The outcome -----------------------------------------------------------------------------------------------------


def bits(value):
    """A value as what can be compared to the last bit."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, float):
        return value.hex()
    if isinstance(value, list | tuple):
        return [type(value).__name__, *map(bits, value)]
    if isinstance(value, dict):
        return {key: bits(item) for key, item in value.items()}
    if dataclasses.is_dataclass(value):
        return [type(value).__name__, *(bits(getattr(value, f.name)) for f in dataclasses.fields(value))]
    return repr(value)


def outcome(kind, place, path, whole):
    """How a damaged file was taken: "refused", "the same" or "sound"; anything else is an AssertionError."""
    refusal = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = kind.read(place)
    except ValueError as error:
        refusal = error
    if refusal is not None:
        said = str(refusal)
        assert type(refusal) is ValueError, f"a raw {refusal!r}"
        assert path.name in said, f"{path.name} is not named: {said}"
        assert ";" in said, f"no way out is named: {said}"
        assert said.isprintable(), f"not printable: {said!r}"
        assert len(said) < 700 + len(str(path)), f"{len(said)} characters"
        return "refused"
    if bits(found) == whole:
        return "the same"
    assert kind.sound is not None, f"a wrong value was believed: {found}"
    assert kind.sound(found), f"an unsound value was believed: {found}"
    return "sound"


def tally(kind, place):
    """Every damage to a kind of file, and how it ended: (damage, outcome) → how many."""
    path = kind.make(place)
    content, rng = path.read_bytes(), np.random.default_rng(len(kind.name))
    whole, found = bits(kind.read(place)), Counter()
    for damage in (flips, cuts, pieces, strangers):
        for name, damaged in damage(content, rng):
            if damaged != content:
                path.write_bytes(damaged)
                found[name, outcome(kind, place, path, whole)] += 1
    anything = dataclasses.replace(kind, sound=lambda value: True)
    for trail, damaged in other_values(content, rng):
        path.write_bytes(damaged)
        judged = anything if set(kind.open) & set(trail) else kind
        found["value of another type", outcome(judged, place, path, whole)] += 1
    path.write_bytes(content)
    assert bits(kind.read(place)) == whole
    return found


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_damaged_file_is_refused_or_read_as_it_was(kind, tmp_path):
    found = tally(kind, tmp_path)
    assert sum(found.values()) > 60
    refused = sum(n for (_, how), n in found.items() if how == "refused")
    assert refused > sum(found.values()) / 5
    if kind.sound is None:
        assert found["bit flipped", "refused"] > 0.5 * sum(n for (name, _), n in found.items() if name == "bit flipped")


def test_no_reader_is_left_out():
    called = {"records.read", "records.unseal", "files.read", "storage.load", "STORE.read", "read"}
    readers = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in called
    }
    # `files`, `records` and `cells` are what they all read with; `folder` only asks whether a run.json is the lab's;
    # `documents` reads a user's texts, of which any bytes in UTF-8 are one; the `read` of `exchange` reads no file.
    others = {"files.py", "records.py", "lab/cells.py", "lab/run/folder.py", "datasets/documents.py", "exchange.py"}
    assert readers - others == {kind.module for kind in KINDS}
    assert "lab/run/folder.py" in readers


def test_no_class_of_model_is_left_out():
    def classes(value):
        if dataclasses.is_dataclass(value):
            yield type(value).__name__
            value = [getattr(value, field.name) for field in dataclasses.fields(value)]
        for item in value if isinstance(value, list | tuple) else ():
            yield from classes(item)

    assert {name for value in MODELS.values() for name in classes(value)} == storage.CLASSES.keys()


def test_damage_makes_no_file_the_labs(tmp_path):
    """What --force may replace is known by the word of its run.json alone: that never ends in a traceback."""
    a_run(tmp_path)
    path, rng = tmp_path / "run.json", np.random.default_rng(0)
    content = path.read_bytes()
    for damage in (flips, cuts, pieces, strangers):
        for _, damaged in damage(content, rng):
            path.write_bytes(damaged)
            assert folder.is_run(path) in (True, False)


if __name__ == "__main__":
    total = Counter()
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as place:
            ended = Counter()
            for (_, how), n in tally(kind, Path(place)).items():
                ended[how] += n
            total += ended
            print(f"{kind.name:30} {sum(ended.values()):6} tried {dict(ended)}")
    print(f"{'together':30} {sum(total.values()):6} tried {dict(total)}")

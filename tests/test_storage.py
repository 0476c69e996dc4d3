"""Models on disk: the same bits back, clear refusals, and never half a file."""

import json
import struct

import numpy as np
import pytest
from safetensors.numpy import save as to_bytes

import tinygrad_dbn as td
from tinygrad_dbn import records, storage
from tinygrad_dbn.learning import greedy


def rbm(rng, visible, hidden, dtype=np.float64):
    shapes = (hidden, visible), visible, hidden
    return td.RBM(*(rng.normal(size=shape).astype(dtype) for shape in shapes))


def models():
    rng = np.random.default_rng(0)
    first, second = rbm(rng, 5, 3), rbm(rng, 3, 2)
    net = td.FeedForward((rng.normal(size=(4, 3)), rng.normal(size=(2, 4))), (np.zeros(4), np.ones(2)))
    return {
        "RBM": first,
        "RBM float32": rbm(rng, 4, 2, np.float32),
        "RBM of edges": td.RBM(np.array([[-0.0, 5e-324, 1.7e308]]), np.zeros(3), np.zeros(1)),
        "RBM in Fortran order": td.RBM(np.asfortranarray(first.W), first.b, first.c),
        "DBN": td.DBN.from_rbms([first, second]),
        "DBN without layers": td.DBN((), first),
        "FeedForward": net,
        "tuple": (first, net),
        "Progress": list(greedy(np.eye(3), (3, 2, 2), seed=0, epochs=1))[-1],
    }


def leaves(value):
    """Every array, number and string of a model, in order, with the classes on the way."""
    if isinstance(value, np.ndarray):
        return [(value.dtype.str, value.shape, value.tobytes())]
    if isinstance(value, tuple):
        return ["tuple", *(leaf for item in value for leaf in leaves(item))]
    if hasattr(value, "__dataclass_fields__"):
        name = type(value).__name__
        return [name, *(leaf for key in value.__dataclass_fields__ for leaf in leaves(getattr(value, key)))]
    return [value]


@pytest.mark.parametrize("name", models())
def test_round_trip_gives_the_same_bits_and_dtypes(tmp_path, name):
    model, path = models()[name], tmp_path / "m.safetensors"
    td.save(path, model)
    loaded = td.load(path)
    assert leaves(loaded) == leaves(model)
    td.save(tmp_path / "again", loaded)
    assert (tmp_path / "again").read_bytes() == path.read_bytes()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["again", "m.safetensors"]


def test_a_loaded_model_computes_what_the_saved_one_did(tmp_path):
    model = models()["DBN"]
    td.save(tmp_path / "m", model)
    X = td.exact.states(5)
    np.testing.assert_array_equal(
        td.exact.log_likelihood(td.load(tmp_path / "m"), X), td.exact.log_likelihood(model, X)
    )


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ([1, 2], "the model is a list"),
        ({"W": np.zeros(2)}, "the model is a dict"),
        ((td.RBM(np.zeros((1, 1)), np.zeros(1), np.zeros(1)), print), r"\[1\] is a builtin_function"),
        (np.array([1j]), "dtype complex128"),
        (np.array([print]), "dtype object"),
        ((np.array(["a"]),), r"\[0\] has dtype <U1"),
    ],
)
def test_what_is_no_model_is_refused_by_its_place(tmp_path, model, said):
    with pytest.raises(TypeError, match=said):
        td.save(tmp_path / "m", model)
    assert not list(tmp_path.iterdir())


def write(path, structure, tensors):
    """A whole file of this structure, its checksums right."""
    content = {"run": "", "tensors": storage.digest_of(tensors), "value": structure}
    record = records.seal(storage.FORMAT, content, finite=False).decode()
    path.write_bytes(to_bytes(tensors, metadata={"tinygrad_dbn": record}))


def of_rbm(**fields):
    return {"class": "RBM", "fields": fields}


ARRAYS = {"W": np.zeros((2, 3)), "b": np.zeros(3), "c": np.zeros(2)}
REFERENCES = {key: {"array": key} for key in ARRAYS}


@pytest.mark.parametrize(
    ("structure", "tensors", "said"),
    [
        ("text", ARRAYS, "belong to no field"),
        ({"class": "DBN", "fields": {"layers": [], "top": None}}, {}, "top is None, not RBM"),
        ({"class": "DBN", "fields": {"layers": 5, "top": None}}, {}, "layers is 5, not tuple"),
        ({"class": "FeedForward", "fields": {"weights": None, "biases": [], "hidden": 1, "output": 2}}, {}, "weights"),
        (of_rbm(**REFERENCES), {"W": ARRAYS["W"]}, "the tensor 'b' of b is missing"),
        (of_rbm(**REFERENCES), {**ARRAYS, "d": np.zeros(1)}, "belong to no field: d"),
        (of_rbm(W={"array": "W"}), {"W": ARRAYS["W"]}, r"the fields \['W'\], not"),
        (of_rbm(**REFERENCES, d=1), ARRAYS, "the fields"),
        (of_rbm(**{**REFERENCES, "c": {"array": "W"}}), ARRAYS, "the tensor 'W' of c is missing"),
        (of_rbm(**{**REFERENCES, "c": {"array": ["W"]}}), ARRAYS, "missing"),
        ({"class": "os.system", "fields": {}}, {}, "unknown class 'os.system'"),
        ({"class": "Path", "fields": {}}, {}, "unknown class 'Path'"),
        ({"class": ["RBM"], "fields": {}}, {}, "valid model"),
        ({"class": "RBM"}, {}, "neither a class nor an array"),
        ({"class": "RBM", "fields": []}, {}, "neither a class nor an array"),
        (of_rbm(**REFERENCES), {**ARRAYS, "b": np.zeros(7)}, "valid model"),
        (of_rbm(**REFERENCES), {**ARRAYS, "b": np.full(3, np.nan)}, "valid model"),
    ],
)
def test_a_damaged_or_hostile_file_is_refused_and_nothing_of_it_runs(tmp_path, structure, tensors, said):
    path = tmp_path / "m.safetensors"
    write(path, structure, tensors)
    with pytest.raises(ValueError, match=said) as caught:
        td.load(path)
    assert "m.safetensors" in str(caught.value)


def test_files_that_are_no_models(tmp_path):
    path = tmp_path / "m"
    with pytest.raises(FileNotFoundError, match="no such file"):
        td.load(path)
    with pytest.raises(ValueError, match="not a file"):
        td.load(tmp_path)
    for content in (b"", b"hello", struct.pack("<Q", 2**60) + b"{}", b"\x80\x04K\x01."):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="not a whole safetensors file"):
            td.load(path)
    path.write_bytes(to_bytes({"x": np.zeros(2)}))
    with pytest.raises(ValueError, match="another program"):
        td.load(path)
    td.save(path, models()["RBM"])
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(ValueError, match="not a whole safetensors file"):
        td.load(path)


def test_a_file_of_the_first_version_is_read_with_a_warning_and_never_as_a_state_of_a_run(tmp_path):
    model, path, tensors = models()["DBN"], tmp_path / "m.safetensors", {}
    text = json.dumps(storage.describe(model, "", tensors))
    path.write_bytes(to_bytes(tensors, metadata={"tinygrad_dbn": text}))
    with pytest.warns(UserWarning, match=r"m\.safetensors is of the first version.*save the model again") as said:
        loaded = td.load(path)
    assert said[0].filename == __file__
    assert leaves(loaded) == leaves(model)
    with pytest.raises(ValueError, match="carries no checksum"):
        td.load(path, run="")


def test_a_state_of_a_run_is_read_as_one_of_that_run_alone(tmp_path):
    path = tmp_path / "m.safetensors"
    td.save(path, models()["RBM"], run="a" * 64)
    assert leaves(td.load(path, run="a" * 64)) == leaves(td.load(path)) == leaves(models()["RBM"])
    with pytest.raises(ValueError, match="belongs to another run"):
        td.load(path, run="b" * 64)


def test_what_is_loaded_can_be_written_to(tmp_path):
    td.save(tmp_path / "m", (np.zeros(2),))
    (loaded,) = td.load(tmp_path / "m")
    loaded += 1
    np.testing.assert_array_equal(loaded, [1, 1])

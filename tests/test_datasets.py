"""The data sets: recipes, optima, and every fault of a user's own file."""

import itertools
import pickle
from math import log

import numpy as np
import pytest

from tinygrad_dbn import datasets
from tinygrad_dbn.datasets import bars_and_stripes, colourings, digits, from_file, labelled_shifter, load, parity

TOYS = [
    *(bars_and_stripes(n, convention) for n in (1, 2, 3, 4) for convention in ("distinct", "doubled")),
    *(labelled_shifter(n) for n in (1, 2, 4, 8)),
    *(parity(n) for n in (1, 2, 5, 8)),
    *(colourings(n) for n in (2, 3, 5)),
]


@pytest.mark.parametrize("data", TOYS, ids=lambda data: data.name)
def test_optimum_is_minus_the_entropy_of_the_rows(data):
    _, counts = np.unique(data.train, axis=0, return_counts=True)
    p = counts / counts.sum()
    assert data.optimum == pytest.approx((p * np.log(p)).sum(), abs=1e-12)


@pytest.mark.parametrize("data", [*TOYS, digits()], ids=lambda data: data.name)
def test_arrays_are_read_only_float64_zeros_and_ones(data):
    for part in (data.train, data.heldout):
        if part is not None:
            assert part.dtype == np.float64
            assert part.shape[1] == data.width
            assert set(np.unique(part)) <= {0.0, 1.0}
            with pytest.raises(ValueError, match="read-only"):
                part[0, 0] = 1


@pytest.mark.parametrize(
    ("n", "doubled", "distinct"), [(2, -1.73287, -1.79176), (3, -2.59930, -2.63906), (4, -3.37909, -3.40120)]
)
def test_bars_and_stripes_optima_of_both_conventions(n, doubled, distinct):
    assert bars_and_stripes(n, "doubled").optimum == pytest.approx(doubled, abs=5e-6)
    assert bars_and_stripes(n, "distinct").optimum == pytest.approx(distinct, abs=5e-6)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_bars_and_stripes_are_exactly_the_pictures_of_equal_rows_or_equal_columns(n):
    wanted = {
        bits
        for bits in itertools.product((0.0, 1.0), repeat=n * n)
        if all(bits[i * n : i * n + n] == bits[:n] for i in range(n))
        or all(len(set(bits[i * n : i * n + n])) == 1 for i in range(n))
    }
    distinct, doubled = bars_and_stripes(n), bars_and_stripes(n, "doubled")
    assert sorted(map(tuple, distinct.train)) == sorted(wanted)
    assert len(doubled.train) == 2 ** (n + 1)
    _, counts = np.unique(doubled.train, axis=0, return_counts=True)
    assert sorted(counts) == [1] * (len(wanted) - 2) + [2, 2]


def test_colourings_are_exactly_the_rings_of_different_neighbours():
    for n in (2, 3, 5):
        wanted = {
            ring for ring in itertools.product(range(3), repeat=n) if all(ring[i] != ring[i - 1] for i in range(n))
        }
        places = colourings(n).train.reshape(-1, n, 3)
        assert (places.sum(axis=2) == 1).all()
        assert sorted(map(tuple, places.argmax(axis=2))) == sorted(wanted)


def test_labelled_shifter_rows_are_rotations_named_by_their_label():
    for n, rows in ((4, 48), (8, 768)):
        data = labelled_shifter(n)
        assert data.train.shape == (rows, 2 * n + 3)
        assert data.optimum == pytest.approx(-log(rows))
        for row in data.train:
            turn = (-1, 0, 1)[int(np.argmax(row[2 * n :]))]
            np.testing.assert_array_equal(row[n : 2 * n], np.roll(row[:n], turn))
            assert row[2 * n :].sum() == 1


def test_parity_rows_are_all_the_even_ones():
    data = parity(5)
    assert len(np.unique(data.train, axis=0)) == 16
    assert not (data.train.sum(axis=1) % 2).any()
    assert data.optimum == pytest.approx(-4 * log(2))


def test_digits_split_is_complete_disjoint_and_repeatable():
    data = digits()
    assert data.train.shape == (1437, 64)
    assert data.heldout.shape == (360, 64)
    assert data.shape == (8, 8)
    assert data.optimum is None
    from sklearn.datasets import load_digits

    every = np.concatenate([data.train, data.heldout])
    original = (load_digits().data >= 8).astype(float)
    assert sorted(map(tuple, every)) == sorted(map(tuple, original))
    np.testing.assert_array_equal(digits().train, data.train)
    assert not np.array_equal(digits(seed=1).train, data.train)
    assert digits(heldout=0).heldout is None


@pytest.mark.parametrize(
    "call",
    [
        lambda: bars_and_stripes(0),
        lambda: bars_and_stripes(2, "twice"),
        lambda: bars_and_stripes(25),
        lambda: labelled_shifter(-1),
        lambda: labelled_shifter(60),
        lambda: colourings(1),
        lambda: colourings(60),
        lambda: parity(0),
        lambda: parity(-3),
        lambda: parity(64),
        lambda: digits(threshold=0),
        lambda: digits(threshold=17),
        lambda: digits(heldout=1797),
        lambda: digits(heldout=-1),
    ],
)
def test_impossible_sizes_are_refused_with_a_way_out(call):
    with pytest.raises(ValueError, match="write"):
        call()


# A user's own file.


def test_npy_of_any_plain_dtype_round_trips(tmp_path):
    rows = np.array([[0, 1, 1], [1, 0, 0]])
    for dtype in (bool, np.int8, np.uint64, np.float32, ">f8"):
        path = tmp_path / "x.npy"
        np.save(path, np.asfortranarray(rows.astype(dtype)))
        data = from_file(path)
        np.testing.assert_array_equal(data.train, rows)
        assert data.train.dtype == np.float64
        assert data.heldout is None
        assert data.optimum is None


def test_npy_pictures_keep_their_shape(tmp_path):
    pictures = np.random.default_rng(0).integers(0, 2, (5, 2, 3))
    np.save(tmp_path / "p.npy", pictures)
    data = from_file(tmp_path / "p.npy")
    assert data.shape == (2, 3)
    np.testing.assert_array_equal(data.train, pictures.reshape(5, 6))


def test_data_survives_the_removal_of_its_file(tmp_path):
    np.save(tmp_path / "x.npy", np.ones((2, 2)))
    data = from_file(tmp_path / "x.npy")
    np.save(tmp_path / "x.npy", np.zeros((2, 2)))
    assert data.train.all()


@pytest.mark.parametrize("text", ["0,1\n1,1\n", "\ufeff0,1\r\n1,1\r\n", "0,1\n\n1,1", "0.0, 1.0\n1,1e0\n"])
def test_csv_in_its_usual_dialects(tmp_path, text):
    (tmp_path / "x.csv").write_text(text, encoding="utf-8", newline="")
    np.testing.assert_array_equal(from_file(tmp_path / "x.csv").train, [[0, 1], [1, 1]])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("0,1\n0,2\n", "line 2, column 2: '2'"),
        ("0,1\n\n0,nan\n", "line 3, column 2: 'nan'"),
        ("inf,1\n", "line 1, column 1: 'inf'"),
        ("a,b\n0,1\n", "line 1, column 1: 'a' .* no header line"),
        ("0,1\n0\n", "line 2: 1 values, but the first row has 2"),
        ("0,1\n0,1,\n", "line 2, column 3: ''"),
        ("0;1\n", "separated by commas"),
        ("0,0.5\n", "line 1, column 2: '0.5'"),
    ],
)
def test_every_fault_of_a_csv_is_named_with_its_place(tmp_path, text, said):
    path = tmp_path / "x.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=said) as caught:
        from_file(path)
    assert "x.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.array([[0, 1], [0, np.nan]]), "row 2, column 2: nan"),
        (np.array([[0, np.inf]]), "row 1, column 2: inf"),
        (np.array([[0, 3], [-1, 1]]), r"row 1, column 2: 3 .*2 such values"),
        (np.full((2, 2, 2), 0.5), "picture 1, row 1, column 1: 0.5"),
        (np.empty((0, 5)), "is empty"),
        (np.empty((5, 0)), "is empty"),
        (np.zeros(4), r"shape \(4,\)"),
        (np.zeros((1, 1, 1, 1)), "shape"),
        (np.array([[1j]]), "complex128"),
        (np.array([["0"]]), "<U1"),
    ],
)
def test_every_fault_of_an_npy_is_named(tmp_path, array, said):
    path = tmp_path / "x.npy"
    np.save(path, array)
    with pytest.raises(ValueError, match=said) as caught:
        from_file(path)
    assert "x.npy" in str(caught.value)


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was executed",))


def test_pickles_are_never_loaded(tmp_path):
    path = tmp_path / "x.npy"
    for content in (pickle.dumps(Bomb()), b"", b"PK\x03\x04 not a zip", b"\x93NUMPY\x01\x00\xff\xff", b"\x93NUMPY"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"x\.npy does not hold a plain \.npy array"):
            from_file(path)
    np.save(path, np.array([Bomb()], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match=r"x\.npy"):
        from_file(path)


def test_a_truncated_npy_is_refused(tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, np.zeros((100, 100)))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="does not hold a plain"):
        from_file(path)


def test_files_that_are_missing_or_of_another_kind(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.npy: no such file"):
        from_file(tmp_path / "none.npy")
    (tmp_path / "x.txt").write_text("0,1\n")
    with pytest.raises(ValueError, match=r"\.txt"):
        from_file(tmp_path / "x.txt")
    (tmp_path / "d.npy").mkdir()
    with pytest.raises(ValueError, match="not a file"):
        from_file(tmp_path / "d.npy")
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe0,1\n")
    with pytest.raises(ValueError, match="not comma-separated text"):
        from_file(tmp_path / "x.csv")


# By name.


def test_names_with_and_without_a_size(tmp_path):
    assert load("bars-and-stripes").width == 16
    assert load("bars-and-stripes:3").width == 9
    assert load("shifter:4").width == 11
    assert load("parity:6").width == 6
    np.save(tmp_path / "x.npy", np.eye(3))
    assert load(str(tmp_path / "x.npy")).width == 3


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("digit", "did you mean digits"),
        ("bars_and_stripes", "did you mean bars-and-stripes"),
        ("shiftre:4", "did you mean shifter"),
        ("zebra-crossing", "unknown data 'zebra-crossing'"),
        ("", "unknown data"),
        ("parity:x", "positive integer"),
        ("parity:", "positive integer"),
        ("parity:-2", "positive integer"),
        ("parity:²", "positive integer"),
        ("parity:0", "n >= 1"),
        ("digits:3", "write digits"),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest_right_one(name, said):
    with pytest.raises(ValueError, match=said):
        load(name)


def test_missing_scikit_learn_names_its_cure(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sklearn", None)
    with pytest.raises(ImportError, match=r"pip install 'tinygrad_dbn\[lab\]'"):
        datasets.digits()

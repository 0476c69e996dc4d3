"""The classification problems: what their recipes promise, pixel by pixel, and the faults of MNIST's files."""

import gzip
import itertools
from functools import cache

import numpy as np
import pytest

from tinygrad_dbn import datasets
from tinygrad_dbn.datasets import Labelled, Part
from tinygrad_dbn.datasets.convex import is_convex
from tinygrad_dbn.datasets.photographs import PLAINEST, patches, photographs
from tinygrad_dbn.lab.tables.baseline import by_edges, edges

SIZES = (60, 20, 40)
PROBLEMS = {
    "convex": lambda: datasets.convex(SIZES),
    "rectangles": lambda: datasets.rectangles(SIZES),
    "rectangles-image": lambda: datasets.rectangles_image(SIZES),
    "mnist5k": lambda: digits(),
    **{k: lambda k=k: datasets.mnist_variation(digits(), k) for k in ("rot", "bg-rand", "bg-img", "rot-bg-img")},
}


@cache
def digits():
    """A few, which the variations vary."""
    return datasets.mnist5k((40, 10, 10))


def everything(problem):
    """All pictures (T, height, width) and classes of a problem."""
    parts = (problem.train, problem.valid, problem.test)
    return np.concatenate([p.X for p in parts]).reshape(-1, *problem.shape), np.concatenate([p.y for p in parts])


@pytest.mark.parametrize("name", PROBLEMS)
def test_parts_have_their_sizes_their_types_and_no_example_in_common(name):
    problem = PROBLEMS[name]()
    assert problem.name.endswith(name)
    assert problem.sizes == (SIZES if name in ("convex", "rectangles", "rectangles-image") else digits().sizes)
    for part in (problem.train, problem.valid, problem.test):
        assert part.X.dtype == np.float32
        assert part.y.dtype == np.int64
        assert part.X.min() >= 0
        assert 0.5 < part.X.max() <= 1
        assert set(part.y) <= set(range(problem.classes))
        assert len(set(part.y)) > 1
        with pytest.raises(ValueError, match="read-only"):
            part.X[0, 0] = 1
    X, _ = everything(problem)
    assert len(np.unique(X.reshape(len(X), -1), axis=0)) >= 0.97 * len(X)


@pytest.mark.parametrize("make", [datasets.convex, datasets.rectangles, datasets.rectangles_image])
def test_the_same_seed_gives_the_same_pictures_and_another_seed_others(make):
    one, same, other = make((5, 0, 0), seed=3), make((5, 0, 0), seed=3), make((5, 0, 0), seed=4)
    np.testing.assert_array_equal(one.train.X, same.train.X)
    assert (one.train.X != other.train.X).any()


def test_published_sizes_are_the_defaults():
    assert datasets.rectangles().sizes == (1000, 200, 50_000)
    assert datasets.convex((600, 200, 500)).sizes == (600, 200, 500)
    assert datasets.convex.__defaults__[0] == (6000, 2000, 50_000)
    assert datasets.rectangles_image.__defaults__[0] == (10_000, 2000, 50_000)


def test_a_rectangle_is_an_outline_taller_than_wide_or_not():
    X, y = everything(datasets.rectangles((300, 0, 0)))
    for picture, tall in zip(X, y, strict=True):
        rows, columns = np.flatnonzero(picture.any(axis=1)), np.flatnonzero(picture.any(axis=0))
        height, width = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
        assert min(height, width) >= 3
        assert abs(height - width) > 3
        assert tall == (height > width)
        outline = np.zeros_like(picture)
        outline[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = 1
        outline[rows[0] + 1 : rows[-1], columns[0] + 1 : columns[-1]] = 0
        np.testing.assert_array_equal(picture, outline)


def convex_by_segments(picture):
    """Every pixel whose centre lies on a segment between two white pixels is white; a slow word for word check."""
    white = np.argwhere(picture)
    for (r1, c1), (r2, c2) in itertools.combinations(white, 2):
        steps = np.gcd(r2 - r1, c2 - c1)
        for k in range(1, steps):
            if not picture[r1 + k * (r2 - r1) // steps, c1 + k * (c2 - c1) // steps]:
                return False
    return True


def test_convexity_is_that_of_the_hull():
    shapes = np.random.default_rng(0).random((400, 4, 4)) < 0.5
    verdicts = is_convex(shapes)
    assert 5 < verdicts.sum() < 395
    for shape, verdict in zip(shapes, verdicts, strict=True):
        if verdict:
            assert convex_by_segments(shape)  # a hull holds its segments; the converse needs triangles as well
    triangle = np.zeros((1, 5, 5), bool)
    triangle[0, [0, 4, 1], [1, 2, 4]] = True  # its corners see no pixel between them, but there are some inside
    assert convex_by_segments(triangle[0])
    assert not is_convex(triangle)[0]


def test_the_classes_of_convex_are_what_they_say_and_about_as_white():
    X, y = everything(datasets.convex((1500, 0, 0)))
    np.testing.assert_array_equal(is_convex(X > 0), y == 1)
    assert X[y == 1].sum(axis=(1, 2)).min() >= 19
    white, other = X[y == 1].sum(axis=(1, 2)).mean(), X[y == 0].sum(axis=(1, 2)).mean()
    assert abs(white - other) < 0.1 * white
    assert 300 < white < 420
    # One number of a picture does not give its class away.
    assert by_edges(datasets.convex((1500, 0, 1500), 1)) > 0.25


def test_a_threshold_on_edges_is_chosen_on_one_part_and_counted_on_another():
    pictures = np.array([[[0, 0], [0, 0]], [[1, 0], [0, 0]], [[1, 0], [0, 1]]], np.float32)
    np.testing.assert_array_equal(edges(pictures.reshape(3, 4), (2, 2)), [0, 2, 4])
    part = lambda which, y: Part(pictures.reshape(3, 4)[which], np.array(y))
    for few, many in ((0, 1), (1, 0)):  # whichever class has more of them
        learned, nothing = part([0, 1, 2, 2], [few, few, many, many]), part([], np.zeros(0, int))
        problem = Labelled("", learned, nothing, part([0, 1, 2, 2], [few, many, many, many]), (2, 2), 2, "")
        assert by_edges(problem) == 1 / 4


def test_a_variation_keeps_classes_and_parts_and_the_digit_in_front():
    basic, _ = everything(digits())
    for kind in ("bg-rand", "bg-img"):
        varied = datasets.mnist_variation(digits(), kind)
        X, _ = everything(varied)
        np.testing.assert_array_equal(varied.train.y, digits().train.y)
        assert (basic <= X).all()
        assert (basic < X).mean() > 0.5
    turned, _ = everything(datasets.mnist_variation(digits(), "rot"))
    ink = turned.sum(axis=(1, 2)) / basic.sum(axis=(1, 2))
    assert (np.abs(ink - 1) < 0.1).all()  # turning moves ink and loses little
    assert (np.abs(turned - basic).sum(axis=(1, 2)) > 1).mean() > 0.9


def test_patches_come_from_the_photographs_and_are_not_plain():
    found = patches(50, 12, np.random.default_rng(0))
    assert (found.std(axis=(1, 2)) >= PLAINEST).all()
    pictures = photographs()
    assert all(any((patch[0, 0] == p).any() for p in pictures) for patch in found)
    assert patches(3, 1, np.random.default_rng(0)).shape == (3, 1, 1)
    with pytest.raises(ValueError, match="side is 500"):
        patches(1, 500, np.random.default_rng(0))


def test_patches_of_parts_that_do_not_overlap_have_no_pixel_in_common(monkeypatch):
    """Of photographs in which every pixel has a grey level of its own."""
    numbered = [np.arange(k, k + 40 * 60, dtype=np.float32).reshape(40, 60) / 100 for k in (0, 5000)]
    monkeypatch.setattr("tinygrad_dbn.datasets.photographs.photographs", lambda: numbered)
    left, right = (patches(300, 8, np.random.default_rng(0), part) for part in ((0, 0.75), (0.75, 1)))
    assert not {*left.ravel().tolist()} & {*right.ravel().tolist()}
    columns = [(np.rint(found * 100).astype(int) - 5000 * (found >= 50)) % 60 for found in (left, right)]
    assert [(c.min(), c.max()) for c in columns] == [(0, 44), (45, 59)]
    with pytest.raises(ValueError, match="side is 16; write 1 to 15 pixels"):
        patches(1, 16, np.random.default_rng(0), (0.75, 1))
    with pytest.raises(ValueError, match=r"from 0.5 to 0.5; write shares of the width, as \(0, 0.75\)"):
        patches(1, 8, np.random.default_rng(0), (0.5, 0.5))


@pytest.mark.parametrize("sizes", [(-1, 2, 3), (4000, 1000, 1)])
def test_sizes_that_cannot_be_are_refused(sizes):
    with pytest.raises(ValueError, match="three counts"):
        datasets.mnist5k(sizes)
    if min(sizes) < 0:
        for make in (datasets.convex, datasets.rectangles):
            with pytest.raises(ValueError, match="three counts"):
                make(sizes)


def test_an_unknown_variation_is_refused():
    with pytest.raises(ValueError, match=r"'rotated'; write one of basic, rot"):
        datasets.mnist_variation(digits(), "rotated")


# ---- IDX files -------------------------------------------------------------------------------------------------------

IMAGES = np.random.default_rng(0).integers(0, 256, (7, 3, 2)).astype(np.uint8)
LABELS = np.arange(7, dtype=np.uint8)


def encoded(array):
    """An array in the IDX format, written from its description."""
    header = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return header + array.tobytes()


@pytest.fixture
def files(tmp_path):
    images, labels = tmp_path / "images-idx3-ubyte.gz", tmp_path / "labels-idx1-ubyte"
    images.write_bytes(gzip.compress(encoded(IMAGES)))
    labels.write_bytes(encoded(LABELS))
    return images, labels


def test_idx_reads_images_and_labels_packed_or_not(files):
    images, labels = files
    np.testing.assert_array_equal(datasets.idx(images), IMAGES)
    np.testing.assert_array_equal(datasets.idx(labels), LABELS)
    mine = datasets.mnist_from_idx(images, labels, (4, 2, 1))
    assert mine.shape == (3, 2)
    np.testing.assert_array_equal(mine.valid.y, [4, 5])
    np.testing.assert_allclose(mine.train.X, IMAGES[:4].reshape(4, 6) / 255, rtol=1e-6)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda b: b[:-1], "promises"),
        (lambda b: b + b"\0", "promises"),
        (lambda b: b"\x89PNG" + b[4:], "begins with 0x89504e47"),
        (lambda b: b"", "begins with 0x"),
        (lambda b: b[:10], "promises"),
    ],
)
def test_a_torn_or_foreign_idx_file_is_refused(tmp_path, spoil, message):
    file = tmp_path / "images"
    file.write_bytes(spoil(encoded(IMAGES)))
    with pytest.raises(ValueError, match=message):
        datasets.idx(file)


def test_other_faults_of_idx_files(tmp_path, files):
    images, labels = files
    with pytest.raises(FileNotFoundError, match="no such file"):
        datasets.idx(tmp_path / "nothing.gz")
    torn = tmp_path / "torn.gz"
    torn.write_bytes(images.read_bytes()[:-5])
    with pytest.raises(ValueError, match="no complete gzip file"):
        datasets.idx(torn)
    torn.write_bytes(images.read_bytes()[:12] + b"junk" + images.read_bytes()[16:])
    with pytest.raises(ValueError, match=r"torn\.gz is no complete gzip file"):
        datasets.idx(torn)
    shouted = tmp_path / "IMAGES.GZ"
    shouted.write_bytes(images.read_bytes())
    np.testing.assert_array_equal(datasets.idx(shouted), datasets.idx(images))
    with pytest.raises(ValueError, match="name the two files of one set"):
        datasets.mnist_from_idx(labels, images)
    wrong = tmp_path / "wrong"
    wrong.write_bytes(encoded(LABELS)[:-1] + b"\x0a")
    with pytest.raises(ValueError, match=rf"wrong: label {len(LABELS) - 1} is 10, not a digit from 0 to 9"):
        datasets.mnist_from_idx(images, wrong)

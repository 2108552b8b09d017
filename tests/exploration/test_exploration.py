"""Exploring digits: what was planted is found, and numbers agree with independent ones."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from inkfast import exploration, noise
from inkfast.core.digits import Digits, Source, Survey
from inkfast.core.errors import InkfastError
from inkfast.data import load, survey
from inkfast.exploration import duplicates, label_errors, structure, summary
from inkfast.exploration.classes import ImbalanceStats, PixelStats
from inkfast.report import write_exploration_report

NONE = noise.build_noise("none")


@pytest.fixture(autouse=True)
def _one_thread():
    """Linear algebra on one thread, as `explore` has it: two can wait for each other for seconds."""
    with threadpool_limits(1):
        yield


def scribbles(n: int, seed: int = 0, classes: int = 10) -> Digits:
    """Return pictures of noise, no two alike, labelled in turn."""
    images = np.random.default_rng(seed).integers(0, 256, (n, 28, 28), np.uint8)
    return Digits(images, (np.arange(n) % classes).astype(np.int64), "scribbles")


def explored(train: Digits, test: Digits | None = None, chain=NONE) -> exploration.Exploration:
    return exploration.explore_digits(Survey(source=Source(train, test, "planted")), chain, 0)


def page(found: exploration.Exploration, out: Path) -> str:
    """Write JSON and page, and return the page."""
    summary.write_summary(found, out)
    return write_exploration_report(found, out, "inkfast explore planted").read_text()


def texts(found: exploration.Exploration) -> str:
    return " ".join(finding.text for finding in exploration.findings(found))


def test_class_moments_are_those_of_numpy():
    """Mean, standard deviation, mean image and brightness of each class agree with NumPy's."""
    digits = scribbles(60)
    pixels = PixelStats.of(digits)
    for digit, (mean, std) in enumerate(pixels.moments()):
        unit = digits.images[digits.labels == digit] / 255
        assert mean == pytest.approx(unit.mean(), abs=1e-12)
        assert std == pytest.approx(unit.std(), abs=1e-12)
        assert np.allclose(pixels.mean_images[digit], unit.mean(axis=0))
    assert np.allclose(pixels.brightness, (digits.images / 255).mean(axis=(1, 2)))
    assert pixels.whole() == pytest.approx(
        ((digits.images / 255).mean(), (digits.images / 255).std())
    )
    assert pixels.histogram[7] == (digits.images == 7).sum()


@pytest.mark.parametrize(
    ("counts", "even", "words"),
    [
        ([10] * 9 + [15], True, "Classes are even: the largest class (9) has 1.50 times"),
        ([10] * 10, True, "Classes are even: all have as many digits. Nothing"),
        ([1000] * 9 + [1001], True, "Classes are even: all have nearly as many digits"),
        ([10] * 9 + [16], False, "Classes are uneven"),
        ([10] * 9 + [91], False, "very uneven"),
        ([10] * 8 + [0, 10], False, "No digit is labelled 8"),
        ([0, 0, 7] + [0] * 7, False, "All digits are 2s"),
    ],
)
def test_imbalance_is_judged_in_words(counts, even, words):
    """The ratio of the largest class to the smallest decides; a missing class is named."""
    imbalance = ImbalanceStats.of(counts)
    assert imbalance.even is even
    assert words in imbalance.verdict()
    assert ("--balance" in imbalance.verdict()) is (imbalance.ratio > 1.5)


def test_planted_copies_are_found_where_they_are():
    """Exact copies, within a part and across, are named by row; nothing else is."""
    train, test = scribbles(50), scribbles(20, seed=1)
    images, others = train.images.copy(), test.images.copy()
    images[34] = images[4]
    others[7] = images[11]
    copies = duplicates.find_duplicates(
        Digits(images, train.labels, ""), Digits(others, test.labels, "")
    )
    assert sorted(copies.exact) == [[4, 34], [11, 57]]
    assert copies.exact_across() == [[11, 57]]
    assert copies.leaked() == 1
    assert not len(copies.near)
    assert copies.contradictions(np.concatenate([train.labels, test.labels])) == [[11, 57]]


def test_planted_near_copies_are_found_whatever_their_contrast():
    """A dimmed copy with a little noise is near, a shifted one is not, an equal one is exact."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (40, 28, 28)).astype(np.uint8)
    dimmed = np.clip(0.7 * images[3] + rng.normal(0, 2, (28, 28)), 0, 255).astype(np.uint8)
    test = np.stack([dimmed, np.roll(images[5], 1, axis=0)])
    copies = duplicates.find_duplicates(Digits(images, None, ""), Digits(test, None, ""))
    assert copies.near.tolist() == [[3, 40]]
    assert copies.near_across() == [[3, 40]]
    assert copies.leaked() == 1
    expected = np.corrcoef(images[3].ravel(), dimmed.ravel())[0, 1]
    assert copies.correlation[0] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("n", [300, 2600])
def test_near_pairs_are_those_of_comparing_every_pair(n):
    """The quick search finds the pairs that the full table of correlations has, all of them."""
    rng = np.random.default_rng(n)
    base = rng.integers(0, 256, (n // 10, 784))
    images = base[rng.integers(0, len(base), n)] + rng.normal(
        0, rng.uniform(2, 40, (n, 1)), (n, 784)
    )
    images = np.clip(images, 0, 255).astype(np.uint8)
    table = np.corrcoef(images.astype(float))
    i, j = np.nonzero(np.triu(table >= 0.98, 1))
    pairs, values, complete = duplicates.find_near_pairs(images.reshape(-1, 28, 28), 0.98, 10**6)
    assert complete
    assert {tuple(sorted(pair)) for pair in pairs.tolist()} == set(
        zip(i.tolist(), j.tolist(), strict=True)
    )
    assert len(pairs) == len(i) > 100
    assert np.allclose(values, table[pairs[:, 0], pairs[:, 1]], atol=1e-5)


def test_near_pairs_along_the_leading_axes_are_found(monkeypatch):
    """Pairs that differ along just those axes by which they are sought are found as well."""
    monkeypatch.setattr(duplicates, "_SLAB", 60)
    monkeypatch.setattr(duplicates, "_ROWS", 16)
    monkeypatch.setattr(duplicates, "_COLUMNS", 16)
    rng = np.random.default_rng(0)
    base, first, second = rng.normal(0, 1, (3, 784))
    images = 128 + 40 * (
        base + rng.uniform(-0.6, 0.6, (500, 1)) * first + rng.uniform(-0.4, 0.4, (500, 1)) * second
    )
    images = np.clip(images, 0, 255).astype(np.uint8)
    table = np.corrcoef(images.astype(float))
    i, j = np.nonzero(np.triu(table >= 0.99, 1))
    pairs, _, _ = duplicates.find_near_pairs(images.reshape(-1, 28, 28), 0.99, 10**6)
    expected = set(zip(i.tolist(), j.tolist(), strict=True))
    assert {tuple(sorted(pair)) for pair in pairs.tolist()} == expected
    assert len(pairs) == len(i) > 1000


def test_search_for_copies_stops_when_there_is_nothing_else():
    """More pairs than asked for end the search, and that is said."""
    rng = np.random.default_rng(0)
    images = np.clip(rng.integers(0, 256, 784) + rng.normal(0, 2, (60, 784)), 0, 255)
    pairs, _, complete = duplicates.find_near_pairs(
        images.astype(np.uint8).reshape(-1, 28, 28), most=100
    )
    assert (len(pairs), complete) == (100, False)


def test_blank_pictures_are_named_and_are_no_copies():
    """Pictures with one value everywhere are listed by part, and not as copies of each other."""
    images = scribbles(12).images.copy()
    images[2], images[9] = 0, 77
    found = explored(Digits(images, None, "x"))
    assert found.constant == {"train": [2, 9]}
    assert not found.copies.exact
    assert "2 images are blank" in texts(found)


def test_components_are_those_of_sklearn(strokes):
    """Explained variance and coordinates agree with sklearn's full SVD, up to sign."""
    found = structure.fit_components(strokes, 0)
    assert found is not None
    flat = strokes.images.reshape(400, -1) / 255
    reference = PCA(svd_solver="full").fit(flat)
    assert np.allclose(found.explained[:20], reference.explained_variance_ratio_[:20], atol=1e-5)
    assert np.allclose(
        np.abs(found.project(strokes.images)[:, :3]),
        np.abs(reference.transform(flat)[:, :3]),
        atol=1e-3,
    )
    held = np.cumsum(reference.explained_variance_ratio_)
    n = found.needed(0.9)
    assert held[n - 1] >= 0.9 > held[n - 2]


def test_shift_between_parts_is_measured():
    """Test digits that are brighter lie elsewhere; the same digits do not."""
    digits = scribbles(200)
    axes = structure.fit_components(digits, 0)
    assert axes is not None
    assert axes.shift(digits.images, digits.images) == pytest.approx(0, abs=1e-4)
    moved = axes.mean + 3 * axes.spread[1] * axes.axes[1]
    moved = np.clip(np.rint(255 * moved), 0, 255).astype(np.uint8).reshape(1, 28, 28)
    assert axes.shift(digits.images, moved) == pytest.approx(3, abs=0.1)


def test_clusters_agree_with_labels_as_far_as_the_table_says(strokes):
    """Purity and adjusted Rand index are those of the table; easy digits fall into their classes."""
    axes = structure.fit_components(strokes, 0)
    found = structure.fit_clusters(strokes, axes, 0)
    assert found is not None
    assert found.table.sum() == 400 == sum(found.sizes)
    assert found.purity == pytest.approx(found.table.max(axis=1).sum() / 400)
    rows = np.repeat(np.arange(len(found.table)), found.table.sum(axis=1))
    classes = np.concatenate([np.repeat(np.arange(10), line) for line in found.table])
    assert found.adjusted_rand == pytest.approx(adjusted_rand_score(classes, rows))
    assert found.purity > 0.6


def test_confident_learning_counts_as_its_definition_says():
    """Flags and ranks are those of a plain loop over Northcutt et al.'s definition."""
    rng = np.random.default_rng(3)
    given = rng.integers(0, 9, 500).astype(np.int64)  # class 9 has no digit
    logits = rng.normal(0, 1.5, (500, 10))
    logits[np.arange(500), given] += 3
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    found = label_errors.flag_label_errors(given, p, n_train=300, folds=5)
    average = [np.mean([p[i, k] for i in range(500) if given[i] == k]) for k in range(9)]
    expected = []
    for i in range(500):
        above = [(p[i, k], k) for k in range(9) if p[i, k] >= average[k]]
        expected.append(bool(above) and max(above)[1] != given[i])
    assert found.flagged.tolist() == expected
    assert 5 < sum(expected) < 250
    own = [p[i, given[i]] for i in range(500)]
    assert found.order.tolist() == sorted(range(500), key=own.__getitem__)
    assert found.first("test", 5) == [i for i in found.order.tolist() if i >= 300][:5]
    assert set(np.flatnonzero(found.flagged)) <= set(found.listed())
    assert found.counts().sum() == sum(expected)


def test_planted_wrong_labels_rank_first(inkfast, strokes, tmp_path, monkeypatch):
    """Labels that were changed lead the CSV, with the true class as what they look like."""
    wrong = strokes.labels.copy()
    planted = {13: 8, 77: 1, 204: 5}  # row -> false label
    for row, label in planted.items():
        assert wrong[row] != label
        wrong[row] = label
    np.savez(tmp_path / "digits.npz", images=strokes.images, labels=wrong)
    monkeypatch.setattr(label_errors, "FOLDS", 3)
    monkeypatch.setattr(label_errors, "MODEL", "mlp(hidden=[64])")
    code, out, err = inkfast(
        "explore", tmp_path / "digits.npz", "--noise", "none", "--labels", "--out", tmp_path / "out"
    )
    assert (code, err) == (0, "")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out" / "label_suspects.csv").read_text())))
    first = {int(row["row"]): row for row in rows[:3]}
    assert set(first) == set(planted)
    for row, line in first.items():
        assert int(line["label"]) == planted[row]
        assert int(line["looks_like"]) == strokes.labels[row]
        assert line["flagged"] == "1"
    assert "3 labels look suspicious" in out
    assert "Suspicious labels" in (tmp_path / "out" / "report.html").read_text()


def test_a_copy_of_a_wrong_label_does_not_vouch_for_it(strokes, monkeypatch):
    """No network is asked about a picture that it was trained on, wherever its copies lie."""
    twice = strokes.pick(np.tile(np.arange(100), 2), "twice")
    known: list[set[bytes]] = []
    asked: list[set[bytes]] = []

    class Fake:
        def probabilities(self, digits):
            asked.append({image.tobytes() for image in digits.images})
            return np.full((len(digits), 10), 0.1)

    def fit(fit_spec, **_):
        known.append({image.tobytes() for image in fit_spec.digits.images})
        return Fake()

    monkeypatch.setattr(label_errors, "fit", fit)
    test = strokes.pick(np.arange(50, 150), "test, of which half is in training too")
    found = label_errors.find_label_errors(twice, test, 0, lambda *_: None)
    assert (found.folds, len(found.labels)) == (5, 300)
    assert all(left and not left & judged for left, judged in zip(known, asked, strict=True))
    assert len(set.union(*asked)) == 150


def test_copies_do_not_make_a_class_large_enough(strokes):
    """Three copies of one picture are one picture, and cannot lie in three folds."""
    rows = np.append(np.flatnonzero(strokes.labels != 4)[:100], np.repeat(4, 3))
    assert strokes.labels[4] == 4
    with pytest.raises(InkfastError, match="class 4 has 1, copies counted once"):
        label_errors.check_label_counts(strokes.pick(rows, "few fours"), None)


def test_only_near_copies_are_to_be_taken_out_before_a_cut():
    """Exact ones stay on one side when inkfast cuts; near ones it does not see."""
    digits = scribbles(20)
    doubled = digits.pick(np.append(np.arange(20), 0), "doubled")
    assert "remove them" not in texts(explored(doubled))
    almost = Digits(doubled.images.copy(), doubled.labels, "almost")
    almost.images[20, 0, 0] ^= 1
    assert "near copies may fall on both sides of the cut: remove them" in texts(explored(almost))


def test_known_errors_are_counted_on_mnist_alone(mnist_folder):
    """The known test errors are found when they lead, on MNIST's test digits and no others."""
    source = survey("mnist").source
    p = np.full((70_000, 10), 0.01)
    given = np.concatenate([source.train.labels, source.test.labels])
    p[np.arange(70_000), given] = 0.91
    for row in label_errors.KNOWN_MNIST_ERRORS[:12]:
        p[60_000 + row, given[60_000 + row]] = 0.0
    found = label_errors.flag_label_errors(given, p, n_train=60_000, folds=5)
    assert len(label_errors.KNOWN_MNIST_ERRORS) == 15
    assert found.known_found(source.test, within=12) == 12
    assert found.known_found(source.train) is None
    assert found.known_found(None) is None


def test_noisy_moments_are_those_published(mnist_folder):
    """Per-class means under noisy-mnist are those of the published noisy images, to .005."""
    source = survey("mnist").source
    some = source.train.pick(np.random.default_rng(0).permutation(60_000)[:12_000], "some")
    found = explored(some, None, noise.build_noise("noisy-mnist"))
    assert len(found.corrupted.brightness) == 10_000  # of which a noisy copy is made
    published = [0.174, 0.101, 0.157, 0.151, 0.133, 0.142, 0.145, 0.133, 0.157, 0.134]
    assert [mean for mean, _ in found.corrupted.moments()] == pytest.approx(published, abs=0.005)


def test_page_and_json_agree(inkfast, strokes, tmp_path):
    """The command leaves a page without other files or scripts, and JSON with its numbers."""
    np.savez(
        tmp_path / "d.npz", x_train=strokes.images[:300], y_train=strokes.labels[:300],
        x_test=strokes.images[300:], y_test=strokes.labels[300:],
    )  # fmt: skip
    code, out, err = inkfast("explore", tmp_path / "d.npz", "--out", tmp_path / "out")
    assert (code, err) == (0, "")
    numbers = json.loads((tmp_path / "out" / "explore.json").read_text())
    html = (tmp_path / "out" / "report.html").read_text()
    assert numbers["parts"]["test"]["class_counts"] == [10] * 10
    assert numbers["noise"] == "noisy-mnist"
    assert len(numbers["noisy_pixels"]["class_mean"]) == 10
    assert sum(numbers["pixels"]["histogram"]) == 300 * 784
    assert all(finding["text"] in out for finding in numbers["findings"])
    assert out.strip().endswith(f"report: {tmp_path}/out/report.html")
    assert "<script" not in html
    assert "http" not in html.replace("http://www.w3.org", "")
    assert html.count("<svg") == 7
    for heading in ("Classes", "Principal components", "Clusters", "Copies", "Reproduce"):
        assert f">{heading}</h2>" in html
    assert not {p.name for p in (tmp_path / "out").iterdir()} - {"explore.json", "report.html"}


def test_digits_without_labels_are_explored_as_far_as_they_go(tmp_path):
    """Without labels there are no classes, and everything else is there."""
    found = explored(Digits(scribbles(30).images, None, "x"), chain=noise.build_noise("gaussian"))
    html = page(found, tmp_path)
    assert "There are no labels" in texts(found)
    assert ">Classes</h2>" not in html
    assert "Principal components" in html
    assert json.loads((tmp_path / "explore.json").read_text())["imbalance"] is None


@pytest.mark.parametrize(
    "digits",
    [
        Digits(scribbles(10).images, np.array([0, 1, 2, 3, 4, 5, 6, 7, 9, 9]), "ten, no 8"),
        scribbles(12, classes=1),
        Digits(np.full((10, 28, 28), 9, np.uint8), np.arange(10), "constant"),
        Digits(np.zeros((3, 28, 28), np.uint8), None, "black"),
        scribbles(1),
        Digits(np.repeat(scribbles(2).images, 6, axis=0), np.arange(12) % 10, "two pictures"),
    ],
    ids=lambda digits: digits.name,
)
def test_odd_digits_are_explored_without_a_fault(digits, tmp_path):
    """Ten digits, a missing class, one class, constant pictures and copies all give a page."""
    html = page(explored(digits, chain=noise.build_noise("noisy-mnist")), tmp_path)
    assert "Copies" in html


def test_an_empty_class_has_no_mean(tmp_path):
    """A class without digits shows a dash and null, not 0."""
    found = explored(Digits(scribbles(9).images, np.arange(9), "no 9"))
    html = page(found, tmp_path)
    assert json.loads((tmp_path / "explore.json").read_text())["pixels"]["class_mean"][9] is None
    assert '<th scope="row">9</th><td>0</td><td>0.0&thinsp;%</td><td><abbr' in html


def folder_of(digits: Digits, root: Path) -> Path:
    for row, (image, label) in enumerate(zip(digits.images, digits.labels, strict=True)):
        (root / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(root / str(label) / f"{row:03}.png")
    return root


def test_a_file_whose_name_is_no_text_is_named(inkfast, strokes, tmp_path):
    """Its bytes are escaped in the JSON file, which reads as the same name, and on the page."""
    root = folder_of(strokes.pick(np.arange(40), "some"), tmp_path / "digits")
    name = os.fsdecode(b"dup\xff.png")
    (root / "5" / name).write_bytes((root / "4" / "004.png").read_bytes())
    assert inkfast("explore", root, "--noise", "none", "--out", tmp_path / "out")[0] == 0
    numbers = json.loads((tmp_path / "out" / "explore.json").read_text())
    assert ["4/004.png", f"5/{name}"] in numbers["duplicates"]["exact"]


def test_pictures_that_cannot_be_read_are_named_and_left_out(inkfast, strokes, tmp_path):
    """A damaged file is named, the others are explored, sizes and file names are given."""
    root = folder_of(strokes.pick(np.arange(40), "some"), tmp_path / "digits")
    (root / "3" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnot really")
    (root / "5" / "copy.png").write_bytes((root / "4" / "004.png").read_bytes())
    Image.fromarray(strokes.images[2]).resize((56, 40)).save(root / "2" / "large.png")
    code, out, err = inkfast("explore", root, "--noise", "none", "--out", tmp_path / "out")
    assert (code, err) == (0, "")
    numbers = json.loads((tmp_path / "out" / "explore.json").read_text())
    assert "1 image could not be read" in out
    assert numbers["unreadable"][0].startswith(f"{root}/3/broken.png: expected an image")
    assert numbers["sizes"] == {"28x28": 41, "56x40": 1}
    assert ["4/004.png", "5/copy.png"] in numbers["duplicates"]["exact"]
    assert "the labels contradict each other" in out
    with pytest.raises(InkfastError, match="broken.png: expected an image"):
        load(str(root))


def test_a_folder_is_surveyed_in_both_parts(strokes, tmp_path):
    """Rows of train and test are known by their files."""
    folder_of(strokes.pick(np.arange(20), "a"), tmp_path / "d" / "train")
    folder_of(strokes.pick(np.arange(20, 30), "b"), tmp_path / "d" / "test")
    found = exploration.explore_digits(survey(str(tmp_path / "d")), NONE, 0)
    assert found.where(0) == "train/0/000.png"
    assert found.where(20) == "test/0/000.png"
    assert np.array_equal(found.image(21), strokes.images[21])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["explore", "mnits"], "Did you mean 'mnist'?"),
        (["explore", "no/such"], "there is no such file or folder"),
        (["explore", "one.npz", "--noise", "rotat"], "Did you mean 'rotate'?"),
        (["explore", "one.npz", "--seed", "-1"], "`seed` must be a whole number >= 0"),
        (["explore", "one.npz", "--labels"], "needs at least two classes: all digits are 0s"),
        (["explore", "few.npz", "--labels"], "at least 3 digits of every class: class 9 has 1"),
        (["explore", "bare.npy", "--labels"], "has no labels"),
        (["explore", "one.npz", "--out", "one.npz"], "one.npz is a file: expected a folder"),
        (["explore", "one.npz", "--out", "/proc/none/x"], "cannot write /proc/none/x"),
        (["explore", "one.npz", "--out", "other"], "is not an exploration of inkfast"),
    ],
)
def test_bad_input_is_refused_in_one_line(inkfast, words, message):
    """What is wrong is said on one line, with what to do, and exit code 2."""
    np.savez("one.npz", images=scribbles(9).images, labels=np.zeros(9, np.int64))
    few = scribbles(29)
    np.savez(
        "few.npz", images=few.images, labels=np.where(np.arange(29) > 9, few.labels % 9, few.labels)
    )
    np.save("bare.npy", few.images)
    Path("other").mkdir()
    Path("other/mine.txt").write_text("mine")
    code, _, err = inkfast(*words)
    assert code == 2
    assert message in err
    assert err.count("\n") == 1
    assert Path("other/mine.txt").read_text() == "mine"


def test_an_exploration_is_overwritten_only_when_asked(inkfast, tmp_path):
    """A second one needs --overwrite, which removes the first one's suspects and nothing else."""
    np.savez("one.npz", images=scribbles(20).images, labels=scribbles(20).labels)
    words = ["explore", "one.npz", "--noise", "none"]
    assert inkfast(*words)[0] == 0
    place = Path("runs/explore-one.npz")
    (place / "label_suspects.csv").write_text("old")
    (place / "notes.txt").write_text("mine")
    code, _, err = inkfast(*words)
    assert code == 2
    assert "already holds an exploration. Add --overwrite" in err
    assert inkfast(*words, "--overwrite")[0] == 0
    assert {p.name for p in place.iterdir()} == {"explore.json", "report.html", "notes.txt"}

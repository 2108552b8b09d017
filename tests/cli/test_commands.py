"""The command line as a user meets it: what it prints, its exit codes, its one-line errors."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inkfast.core import io as core_io
from inkfast.core.random import derive_seed
from inkfast.core.splits import stratified_split
from inkfast.data import unipen
from inkfast.data.base import Fetched
from inkfast.experiments import run_folder
from tests.data.makers import kaggle_csv, payloads, write_gz

FAST = [
    "--set", "batch_size=50", "--set", "min_epoch_images=0", "--set", "precision=fp32",
    "--threads", "1", "--epochs", "2",
]  # fmt: skip
TINY = ["--models", "mlp(hidden=[8]),cnn(layers='C8(5)/2-GMP')", *FAST]

HUGE = "0x" + "f" * 4000  # is read, but Python writes no such number in decimals


@pytest.fixture
def digits(strokes, tmp_path) -> Path:
    """Return a file of easy digits."""
    np.savez(tmp_path / "digits.npz", images=strokes.images, labels=strokes.labels)
    return tmp_path / "digits.npz"


def refused(result: tuple[int, str, str]) -> str:
    """Check that a call failed as it should, and return its one line."""
    code, _, err = result
    assert code == 2, err
    assert err.startswith("inkfast: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return err


def test_compare_leaves_a_report_and_says_where(inkfast, digits, tmp_path):
    """A comparison prints epochs as plain lines, a table, the verdict and the report's path."""
    code, out, err = inkfast(
        "compare",
        "--data",
        digits,
        "--noise",
        "rotate(degrees=10)",
        "--out",
        tmp_path / "run",
        *TINY,
    )
    assert (code, err) == (0, "")
    assert (
        len(
            re.findall(
                r"epoch \d: loss [\d.]+, validation accuracy [\d.]+%, [\d.]+ s, about \d+ s left",
                out,
            )
        )
        == 4
    )
    assert "McNemar's exact test, one seed, n = 80 test digits" in out
    assert f"report: {tmp_path}/run/report.html" in out
    assert "\x1b" not in out  # no escape codes in a pipe
    assert {"experiment.toml", "leaderboard.json", "leaderboard.csv", "report.html"} <= {
        p.name for p in (tmp_path / "run").iterdir()
    }


def test_flags_override_the_recipe_file(inkfast, digits, tmp_path):
    """Every flag is a TOML key, also for models with keys of their own; the name is the file's."""
    recipe = tmp_path / "mine.toml"
    recipe.write_text(
        f'data = "{digits}"\nnoise = "none"\nthreads = 1\n'
        '[[models]]\nmodel = "mlp(hidden=[4])"\nepochs = 7\n'
        '[recipe]\nprecision = "fp32"\nmin_epoch_images = 0\n'
    )
    code, out, _ = inkfast("compare", recipe, "--epochs", 1, "--set", "optimiser=sgd")
    assert code == 0
    resolved = Path("runs/mine/experiment.toml").read_text()
    assert "epochs = 1" in resolved
    assert 'optimiser = "sgd"' in resolved
    assert "runs/mine/report.html" in out


def test_train_then_evaluate(inkfast, digits, tmp_path):
    """One model is trained and judged under another noise; its own test rows are found again."""
    run = tmp_path / "run"
    code, out, _ = inkfast(
        "train", "mlp(hidden=[16])", "--data", digits, "--noise", "none", "--out", run, *FAST
    )
    assert code == 0
    accuracy = json.loads((run / "leaderboard.json").read_text())["rows"][0]["accuracy"]
    code, out, _ = inkfast("evaluate", run, "--json", tmp_path / "same.json")
    same = json.loads((tmp_path / "same.json").read_text())["rows"][0]
    assert (code, same["n"]) == (0, 80)
    assert same["accuracy"] == accuracy
    code, out, err = inkfast("evaluate", run, "--noise", "none", "--json", tmp_path / "same.json")
    assert (code, out, "same.json exists. Add --overwrite" in err) == (2, "", True)
    code, out, _ = inkfast(
        "evaluate", run, "--noise", "gaussian(sigma=0.9)", "--json", tmp_path / "noisy.json"
    )
    assert code == 0
    assert "gaussian(sigma=0.9)" in out
    assert json.loads((tmp_path / "noisy.json").read_text())["rows"][0]["accuracy"] < accuracy


def test_embedded_digits_are_said_loudly(inkfast, monkeypatch, tmp_path):
    """Without MNIST the first line, the table's title and the report say what the data is."""
    code, out, _ = inkfast(
        "compare", "--out", tmp_path / "run", *TINY, "--models", "mlp(hidden=[8])"
    )
    assert code == 0
    assert out.splitlines()[0].startswith("These are the 1,797 embedded digits")
    assert "inkfast data fetch" in out.splitlines()[0]
    assert "(not MNIST)" in out
    assert "Not MNIST." in (tmp_path / "run" / "report.html").read_text()


def test_a_baseline_goes_through_every_command(inkfast, digits, tmp_path):
    """A forest is trained, evaluated, predicts and is cross-validated by the words of a network."""
    forest, out = "random-forest(trees=5, max_depth=6)", tmp_path / "run"
    flags = ("--data", digits, "--noise", "none", *FAST)
    code, text, _ = inkfast("train", forest, *flags, "--out", out)
    assert code == 0
    assert "epoch 1: loss" in text
    code, text, _ = inkfast("evaluate", out)
    assert code == 0
    assert forest in text
    code, text, _ = inkfast("predict", digits, "--model", out)
    assert code == 0
    assert text.startswith("ImageId,Label\n1,")
    models = f"{forest}, knn"
    code, text, _ = inkfast(
        "validate", "--models", models, "--folds", 3, *flags, "--out", tmp_path / "v"
    )
    assert code == 0
    assert "over 3 folds" in text
    assert "<svg" in (tmp_path / "v" / "report.html").read_text()


def test_lists_and_pictures(inkfast, digits, tmp_path):
    """Listings name what is registered; a noise picture is a PNG."""
    code, out, _ = inkfast("noise", "list")
    assert code == 0
    assert all(word in out for word in ("rotate(", "elastic(", "noisy-mnist", "n-mnist-awgn"))
    assert "zoom(factor=0.8333, fill='reflect')" in " ".join(out.split())  # to be looked at
    code, out, _ = inkfast("models", "list")
    assert "178,482" in out
    assert "0.02 M" in out  # of a single layer; of the others one digit after the point
    assert " 0.0 M" not in out
    code, out, _ = inkfast("models", "show", "mlp(hidden=[16])")
    assert "12,746 parameters" in out
    assert "source: Rumelhart, Hinton and Williams (1986), " in out
    code, out, _ = inkfast("models", "show", "logistic")
    assert "7,850 parameters, 0.02 million FLOPs" in out
    code, out, _ = inkfast("models", "show", "knn(neighbours=1)")
    assert "grows with the training rows: 785 numbers kept" in out
    code, out, _ = inkfast("data", "list")
    for name in ("MNIST", "UniPen"):
        assert f"{name} is not on this machine; download it with: " in out
    picture = tmp_path / "a.png"
    for text in ("shear", "rotate + gaussian"):
        words = ("noise", "show", text, "--data", digits, "--out", picture)
        code, out, _ = inkfast(*words, "--overwrite")
        assert code == 0
        assert picture.read_bytes().startswith(b"\x89PNG")
    assert "Add --overwrite" in inkfast(*words)[2]
    assert inkfast("noise", "show", "gain", "--data", digits)[0] == 0
    assert (
        "gain.png exists. Add --overwrite" in inkfast("noise", "show", "gain", "--data", digits)[2]
    )


def test_verify_names_bad_files(inkfast, tmp_path):
    """Verification lists each file's state and fails when one is not good."""
    write_gz(tmp_path, payloads())
    code, out, err = inkfast("data", "verify", tmp_path)
    assert code == 2
    assert "4 of 4 files" in err
    assert out.count("differs") + out.count("announces") == 4


def test_unipen_is_fetched_and_verified(inkfast, monkeypatch, tmp_path):
    """The folder, what was left out and the attribution are printed; a damaged file is named."""
    folder = tmp_path / "unipen"
    folder.mkdir()
    monkeypatch.setattr(unipen, "fetch_unipen", lambda report: Fetched(folder, "4 digits."))
    code, out, _ = inkfast("data", "fetch", "unipen")
    assert code == 0
    assert f"UniPen is in {folder}, checked by the MD5 of Zenodo record 1195803" in out
    assert "4 digits." in out
    assert "CC BY 4.0" in out
    (folder / "digits.npz").write_bytes(b"damaged")
    monkeypatch.setenv("INKFAST_DATA", str(tmp_path))
    code, out, err = inkfast("data", "verify", "unipen")
    assert code == 2
    assert "cannot be read: it is damaged" in " ".join(out.split())
    assert "3 of 3 files" in err
    assert "Download them with: " in err
    assert f"UniPen is in {folder}" in inkfast("data", "list")[1]


def bad_calls(tmp: Path) -> dict[str, tuple[list[str], str]]:
    """Return calls that must be refused, and what must be said."""
    out = ["--out", str(tmp / "run")]
    compare = ["compare", *out, *TINY]
    data = ["--data", str(tmp / "digits.npz")]
    return {
        "unknown model": (["compare", *out, *data, "--models", "mpl"], "unknown model 'mpl'. Did you mean 'mlp'?"),
        "unknown noise": ([*compare, *data, "--noise", "rotatte"], "unknown noise 'rotatte'. Did you mean 'rotate'?"),
        "unknown source": ([*compare, "--data", "mnsit"], "unknown data source 'mnsit'. Did you mean 'mnist'?"),
        "no mnist": ([*compare, "--data", "mnist"], "MNIST is not on this machine"),
        "missing recipe": (["compare", "none.toml"], "cannot read the recipe none.toml: No such file"),
        "bad toml": (["compare", str(tmp / "bad.toml")], "is not valid TOML"),
        "unknown key": (["compare", str(tmp / "key.toml")], "unknown key 'nosie'. Did you mean 'noise'?"),
        "impossible epochs": ([*compare, *data, "--epochs", "0"], "`epochs` must be a whole number >= 1"),
        "unknown recipe key": ([*compare, *data, "--set", "lr=1"], "unknown recipe key 'lr'"),
        "set without value": ([*compare, *data, "--set", "lr"], "--set expects KEY=VALUE"),
        "unknown flag": (["compare", "--noize", "x"], "No such option"),
        "text for a number": (["compare", "--seeds", "two"], "Invalid value for '--seeds'"),
        "nothing to download": (["data", "fetch", "embedded"], "unknown source to download 'embedded'"),
        "no network": (["data", "fetch", "unipen"], "no connection"),
        "nothing to verify": (["data", "verify", "mnsit"], "Did you mean 'mnist'?"),
        "no unipen": (["data", "verify", "unipen"], "UniPen is not on this machine"),
        "bad csv": ([*compare, "--data", str(tmp / "bad.csv")], "row 2, column pixel3"),
        "unlabelled": ([*compare, "--data", str(tmp / "test.csv")], "has no labels"),
        "one of a class": ([*compare, "--data", str(tmp / "few.npz")], "too few digits to cut off"),
        "not a run": (["evaluate", str(tmp)], "is not a run"),
        "unwritable": (["compare", *TINY, *data, "--out", "/proc/inkfast/run"], "cannot write /proc/inkfast/run"),
        "a file as folder": (["compare", *TINY, *data, "--out", str(tmp / "bad.csv")], "is a file"),
        "unknown command": (["comprae"], "No such command 'comprae'"),
        "both flags": ([*compare, *data, "--resume", "--overwrite"], "exclude each other"),
        "folder of no digits": ([*compare, "--data", str(tmp / "named")], "got a folder named 'seven'"),
        "empty folder": ([*compare, "--data", str(tmp / "empty")], "got no images"),
        "corrupt picture": ([*compare, "--data", str(tmp / "corrupt")], "b.png: expected an image"),
        "huge picture": ([*compare, "--data", str(tmp / "huge")], "at most 50 million pixels"),
        "damaged arrays": ([*compare, "--data", str(tmp / "cut.npz")], "cut.npz cannot be read"),
        "no validation rows": ([*compare, *data, "--set", "validation=0.001"], "`validation`"),
        "tiny test part": ([*compare, *data, "--test-fraction", "0.001"], "`test_fraction`"),
        "augment of a number": ([*compare, *data, "--set", "augment=3"], "noise must be text"),
        "deep nesting": (["compare", str(tmp / "deep.toml")], "is not valid TOML"),
        "no text": (["compare", str(tmp / "latin.toml")], "expected a TOML file in UTF-8"),
        "a folder as recipe": (["compare", str(tmp)], "cannot read the recipe"),
        "noise typo before data": (["noise", "show", "blurr"], "unknown noise 'blurr'"),
        "model name": ([*compare, *data, "--models", "mlp(hidden=[1e9])"], "`hidden` must be"),
        "unknown engine": ([*compare, *data, "--executor", "spark"], "`executor` must be serial, stacked:N"),
        "huge noise": ([*compare, *data, "--noise", f"rotate(degrees={HUGE})"], "got a number of more than 4,300 digits"),
        "huge pair": ([*compare, *data, "--noise", f"gaussian(sigma=[{HUGE}])"], "pair [low, high], got a number of more than"),
        "huge size": ([*compare, *data, "--noise", f"fog(size={HUGE})"], "got a number of more than 4,300 digits"),
        "huge model": ([*compare, *data, "--models", f"mlp(hidden=[{HUGE}])"], "got a number of more than 4,300 digits"),
        "huge setting": ([*compare, *data, "--set", f"epochs={HUGE}"], "got a number of more than 4,300 digits"),
        "huge seed": (["compare", str(tmp / "seed.toml"), *out, *data], "got a number of more than 4,300 digits"),
        "huge place": (["compare", str(tmp / "out.toml"), *data], "`out` must be text, got a number of more than"),
        "no cluster": ([*compare, *data, "--executor", "ray:127.0.0.1:9"], "no Ray cluster answers at 127.0.0.1:9"),
        "more folds than rows": (["validate", *out, *data, "--folds", "999"], "needs as many rows of every class"),
        "too few to blend": ([*compare, *data, "--balance", "smote", "--imbalance", "3=0.1"], "class 3 needs at least 6 rows"),
        "space without search": (["tune", str(tmp / "key.toml"), *out], "`search` must be a table"),
        "unknown search key": (["tune", str(tmp / "space.toml"), *out, *data], "unknown search key 'lerning_rate'. Did you mean"),
        "no storage": (["tune", str(tmp / "good.toml"), *out, *data, "--storage", "postgresql://127.0.0.1:9/x"], "`storage` postgresql://127.0.0.1:9/x cannot be used"),
        "picture nowhere": (["noise", "show", "blur", *data, "--out", "/proc/a.png"], "cannot write /proc/a.png"),
    }  # fmt: skip


@pytest.mark.parametrize("kind", bad_calls(Path("x")))
def test_bad_input_is_one_line_and_exit_code_2(
    inkfast, digits, strokes, tmp_path, monkeypatch, kind
):
    """Every kind of bad input is one line on stderr, exit code 2, and leaves no run behind."""
    (tmp_path / "bad.toml").write_text("models = [")
    (tmp_path / "key.toml").write_text('nosie = "none"')
    for name, key in (("seed", "seed"), ("out", "out")):
        (tmp_path / f"{name}.toml").write_text(f"{key} = {HUGE}")
    for name, key in (("space", "lerning_rate"), ("good", "learning_rate")):
        text = f'models = ["cnn"]\n[search]\n{key} = {{ low = 0.001, high = 0.1 }}\n'
        (tmp_path / f"{name}.toml").write_text(text)
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    lines = kaggle_csv(20).splitlines()
    cells = lines[2].split(",")
    lines[2] = ",".join([*cells[:4], "777", *cells[5:]])
    (tmp_path / "bad.csv").write_text("\n".join(lines))
    (tmp_path / "test.csv").write_text(kaggle_csv(20, labelled=False))
    np.savez(tmp_path / "few.npz", images=strokes.images[:11], labels=strokes.labels[:11])
    (tmp_path / "named" / "seven").mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    for name, content in (("corrupt", b"\x89PNG\r\n\x1a\n"), ("huge", b"")):
        (tmp_path / name / "3").mkdir(parents=True)
        (tmp_path / name / "3" / "b.png").write_bytes(content)
    Image.new("1", (8000, 8000)).save(tmp_path / "huge" / "3" / "b.png")
    (tmp_path / "cut.npz").write_bytes(digits.read_bytes()[:5000])
    (tmp_path / "deep.toml").write_text("a = " + "[" * 5000)
    (tmp_path / "latin.toml").write_bytes(b"name = '\xe9'")
    words, message = bad_calls(tmp_path)[kind]
    assert message in refused(inkfast(*words))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("closed", [("stdout",), ("stdout", "stderr", "stdin")])
@pytest.mark.parametrize(
    ("words", "code"), [(["--version"], 0), (["noise", "list"], 0), (["x"], 2)]
)
def test_a_closed_stream_is_no_reason_to_end(inkfast, monkeypatch, closed, words, code):
    """`>&-` leaves Python without one; what would be printed goes nowhere."""
    for name in closed:
        monkeypatch.setattr(sys, name, None)
    assert inkfast(*words)[0] == code
    for name in set(closed) - {"stdin"}:
        getattr(sys, name).close()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_console_need_not_have_every_letter(inkfast, digits, monkeypatch, encoding):
    """A letter that it cannot show is escaped."""
    out = io.TextIOWrapper(io.BytesIO(), encoding)
    monkeypatch.setattr(sys, "stdout", out)
    assert inkfast("explore", digits, "--noise", "none", "--out", "数")[0] == 0
    out.flush()
    said = out.buffer.getvalue().decode(encoding)
    assert r" \u2026" in said
    assert r"report: \u6570/report.html" in said


def test_two_at_work_in_one_folder(inkfast, digits, tmp_path):
    """The second is told to wait, and touches nothing; afterwards it may go on."""
    flags = ["--data", digits, "--out", tmp_path / "run", *TINY]
    with run_folder.run_lock(tmp_path / "run"):
        message = refused(inkfast("compare", *flags))
    assert "another inkfast is running in" in message
    assert not (tmp_path / "run").exists()
    assert inkfast("compare", *flags)[0] == 0


@pytest.mark.parametrize("name", ["ENOSPC", "EROFS", "EACCES"])
def test_a_full_or_locked_disk(inkfast, digits, tmp_path, monkeypatch, name):
    """When the disk is full in mid-run, one line says so and no torn file is left."""
    import errno

    real, calls = os.fsync, []

    def failing(handle):
        calls.append(handle)
        if len(calls) > 6:
            raise OSError(getattr(errno, name), os.strerror(getattr(errno, name)))
        real(handle)

    monkeypatch.setattr(core_io.os, "fsync", failing)
    message = refused(inkfast("compare", "--data", digits, "--out", tmp_path / "run", *TINY))
    assert "cannot write" in message
    assert os.strerror(getattr(errno, name)) in message
    assert not list((tmp_path / "run").rglob(".*"))
    monkeypatch.setattr(core_io.os, "fsync", real)
    assert (
        inkfast("compare", "--data", digits, "--out", tmp_path / "run", *TINY, "--resume")[0] == 0
    )


def test_a_model_that_diverges_does_not_cost_the_others(inkfast, digits, tmp_path):
    """The finished model has its leaderboard and report; the other is said, exit code 2."""
    recipe = tmp_path / "two.toml"
    recipe.write_text(
        f'data = "{digits}"\nnoise = "none"\nthreads = 1\n'
        '[recipe]\nepochs = 2\nbatch_size = 50\nmin_epoch_images = 0\nprecision = "fp32"\n'
        '[[models]]\nmodel = "mlp(hidden=[8, 8], batch_norm=False)"\nname = "wild"\noptimiser = "sgd"\n'
        'schedule = "constant"\nlearning_rate = 100.0\nl2 = 0.0\nmomentum = 0.9\nweight_decay = 10.0\n'
        '[[models]]\nmodel = "mlp(hidden=[8])"\nname = "tame"\n'
    )
    message = refused(inkfast("compare", recipe, "--out", tmp_path / "run", "--set", "epochs=60"))
    assert "the loss became" in message
    board = json.loads((tmp_path / "run" / "leaderboard.json").read_text())
    assert [row["model"] for row in board["rows"]] == ["tame"]
    assert (board["complete"], len(board["left_out"])) == (False, 1)
    assert "Left out: training mlp" in (tmp_path / "run" / "report.html").read_text()


def test_names_are_shown_as_they_are(inkfast, digits, tmp_path):
    """Dollars, brackets, tags and emoji in a model's name break neither table nor page."""
    name = "_$x_$ [red]a[/b] <script>alert(1)</script> 数字 ✍"
    recipe = tmp_path / "named.toml"
    recipe.write_text(f'[[models]]\nmodel = "mlp(hidden=[8])"\nname = "{name}"\n', encoding="utf-8")
    code, out, err = inkfast("compare", recipe, "--data", digits, "--out", tmp_path / "run", *FAST)
    assert (code, err) == (0, "")
    assert "[red]a[/b]" in out
    assert "<script>" not in (tmp_path / "run" / "report.html").read_text()


def test_evaluate_never_judges_rows_that_were_trained_on(inkfast, digits, strokes, tmp_path):
    """Data that has changed is refused, copies of training digits are left out, others judged."""
    run = tmp_path / "run"
    inkfast("train", "mlp(hidden=[8])", "--data", digits, "--out", run, *FAST)
    foreign = np.roll(strokes.images[:5], 1, 2)
    np.savez(tmp_path / "few.npz", images=foreign, labels=strokes.labels[:5])
    code, _, _ = inkfast(
        "evaluate", run, "--data", tmp_path / "few.npz", "--json", tmp_path / "few.json"
    )
    assert code == 0
    assert json.loads((tmp_path / "few.json").read_text())["rows"][0]["n"] == 5
    own = [inkfast("evaluate", run, *words)[1] for words in ((), ("--data", digits))]
    assert own[0] == own[1]
    mended = strokes.labels[::-1].copy()
    mended[0] = 0
    np.savez(tmp_path / "mended.npz", images=strokes.images[::-1], labels=mended)
    code, out, _ = inkfast("evaluate", run, "--data", tmp_path / "mended.npz")
    assert code == 0
    assert "80 digits: mended.npz, less 320 that the run was trained on" in " ".join(out.split())
    kept, _ = stratified_split(strokes.labels, 0.2, derive_seed(0, "test rows"))
    np.savez(tmp_path / "same.npz", images=strokes.images[kept], labels=strokes.labels[kept])
    again = refused(inkfast("evaluate", run, "--data", tmp_path / "same.npz"))
    assert "all 320 digits of same.npz are among those that the run was trained on" in again
    np.savez(digits, images=strokes.images[:399], labels=strokes.labels[:399])
    code, out, _ = inkfast("evaluate", run, "--data", tmp_path / "few.npz")
    assert "not compared with what the run was trained on" in " ".join(out.split())
    assert "has changed since the run" in refused(inkfast("evaluate", run))


def test_a_damaged_mnist_is_one_line(inkfast, tmp_path, monkeypatch):
    """A truncated file in $INKFAST_DATA stops even `auto`, naming the file."""
    write_gz(tmp_path / "mnist", payloads())
    bad = tmp_path / "mnist" / "train-images-idx3-ubyte.gz"
    bad.write_bytes(gzip.compress(b"x" * 9)[:-4])
    monkeypatch.setenv("INKFAST_DATA", str(tmp_path))
    message = refused(inkfast("compare", *TINY))
    assert "train-images-idx3-ubyte.gz is damaged" in message


@pytest.mark.slow
def test_ctrl_c_leaves_the_finished_part(digits, tmp_path):
    """SIGINT in the second fit: exit code 130, a leaderboard of the first, and --resume ends it."""
    (tmp_path / "two.toml").write_text(
        "[recipe]\nepochs = 2\nbatch_size = 50\nmin_epoch_images = 0\nprecision = 'fp32'\n"
        "[[models]]\nmodel = 'mlp(hidden=[8])'\n"
        "[[models]]\nmodel = \"cnn(layers='C8(5)/2-GMP')\"\nepochs = 4000\n"
    )
    command = [
        sys.executable, "-c", "from inkfast.cli import main; main()", "compare",
        str(tmp_path / "two.toml"), "--data", str(digits), "--out", str(tmp_path / "run"),
        "--threads", "1",
    ]  # fmt: skip
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("[2/2]"):
            break
    process.stdout.readline()  # the second fit is under way
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate()
    assert process.returncode == 130
    assert "interrupted; resume with the same command and --resume" in rest
    board = json.loads((tmp_path / "run" / "leaderboard.json").read_text())
    assert [row["model"] for row in board["rows"]] == ["mlp(hidden=[8])"]
    assert board["complete"] is False

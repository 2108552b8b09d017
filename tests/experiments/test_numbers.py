"""From `inkfast train number-reader` to an ONNX file that reads what the network read."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from inkfast import cli
from inkfast.cli._models import open_page_model
from inkfast.experiments import number_export
from inkfast.experiments.number_experiment import number_experiment, number_strips
from inkfast.experiments.number_run import load_number_run
from inkfast.inference.number_network import OnnxNumberNetwork
from inkfast.inference.number_reader import NumberReader
from inkfast.inference.numbers import ALPHABET
from tests.training.number_makers import TINY, bar_strip, bar_strips, write_shard

RECIPE = """
name = "bars"
threads = 1
models = ["MODEL"]
[recipe]
shards = 1
shard_strips = 40
strokes = "drawn"
rasters = ""
validation_strips = 20
calibration_strips = 30
epochs = 2
epoch_shards = 1
batch_size = 8
precision = "fp32"
"""


def call(*words: object) -> int:
    """Run the command line in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["inkfast", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
    return int(ended.value.code or 0)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """Return a finished run whose network was trained on bars for some more epochs."""
    folder = tmp_path_factory.mktemp("numbers")
    (folder / "bars.toml").write_text(RECIPE.replace("MODEL", TINY))
    out = folder / "run"
    for purpose, seed, count in (
        ("training", 0, 120),
        ("validation", 1, 30),
        ("calibration", 2, 60),
    ):
        write_shard(out / "strips" / purpose, 0, bar_strips(count, seed))
    shutil.move(out / "strips", folder / "strips")
    quick = ["--set", "epochs=12", "--set", "learning_rate=0.01", "--set", "ema=0.9"]
    # claimed empty, then given strips of bars instead of composed ones
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "inkfast.experiments.number_experiment.compose_shards",
            lambda where, *_: shutil.copytree(folder / "strips" / where.name, where),
        )
        assert call("train", folder / "bars.toml", "--out", out, *quick) == 0
    return out


@pytest.fixture(scope="module")
def exported(run) -> Path:
    """Return the ONNX file of the run."""
    path = run.parent / "numbers.onnx"
    assert call("export", run, "--to", path, "--max-error", "0.2") == 0
    return path


@pytest.mark.slow
def test_a_file_reads_what_the_network_read(run, exported):
    """Both give the texts that are on the strips, with equal probabilities up to rounding."""
    strips = bar_strips(20, seed=5)
    found = NumberReader.open(str(exported), threads=1).read(strips.images)
    of_run = open_page_model(str(run), None).read(strips.images)
    right = sum(one.text == text for one, text in zip(found, strips.texts, strict=True))
    assert right >= 18
    assert sum(one.text != other.text for one, other in zip(found, of_run, strict=True)) <= 1


@pytest.mark.slow
def test_places_lie_on_the_bars(exported):
    """The middle of each digit lies in its cell."""
    (reading,) = NumberReader.open(str(exported), threads=1).read([bar_strip("4071")])
    assert reading.text == "4071"
    width = 16 * 4 + 4
    for place, character in enumerate(reading.characters):
        middle = (character.start + character.end) / 2 * width
        assert abs(middle - (16 * place + 9)) <= 14


@pytest.mark.slow
def test_weights_are_stored_in_16_bits(exported):
    """Every large tensor is half as large, and is cast back without loss."""
    proto = onnx.load(exported)
    large = [t for t in proto.graph.initializer if np.prod(t.dims) >= 256]
    assert large
    assert {t.data_type for t in large} == {onnx.TensorProto.FLOAT16}


@pytest.mark.slow
def test_metadata_say_what_the_file_is(run, exported):
    """Alphabet, sizes, guarantees, licences and fingerprint, in the file and beside it."""
    network = OnnxNumberNetwork.open(exported)
    about = json.loads(exported.with_suffix(".json").read_text())
    assert about["sha256"] == network.fingerprint
    assert {**network.metadata.values, "sha256": about["sha256"]} == about
    assert (about["alphabet"], about["height"], about["stride"]) == (ALPHABET, 40, 4)
    assert about["training_data"] == ["strokes drawn by inkfast"]
    assert [error for error, _ in about["promises"]] == [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.2]
    assert about["calibration_strips"] == 60
    assert NumberReader.open(str(exported)).threshold <= 1
    with pytest.raises(ValueError, match="does not guarantee max_error=0.001"):
        NumberReader.open(str(exported), max_error=0.001)


@pytest.mark.slow
def test_a_file_that_reads_otherwise_is_not_written(run, tmp_path, monkeypatch):
    """The gate compares file and network."""
    _, trained = load_number_run(run)
    experiment = number_experiment({"models": [TINY]})
    real = number_export._trace_strips

    def damaged(model: torch.nn.Module) -> bytes:
        with torch.no_grad():
            model[0][0].weight.neg_()
        return real(model)

    monkeypatch.setattr(number_export, "_trace_strips", damaged)
    with pytest.raises(ValueError, match="does not read as the trained one"):
        number_export.export_numbers(experiment, trained, run, tmp_path / "numbers.onnx", 0.2)
    assert not list(tmp_path.iterdir())


def test_folding_batch_norm_changes_nothing(run):
    """The folded network gives the same probabilities, with no batch normalisation left."""
    _, trained = load_number_run(run)
    folded = number_export.fold_batch_norm(trained.model)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in folded.modules())
    strips = torch.rand(3, 1, 40, 90, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(folded(strips), trained.model(strips), atol=1e-4, rtol=1e-4)


def test_a_run_is_resumed_or_refused(run, inkfast):
    """The same command with --resume is at once finished; another recipe is refused."""
    recipe = run.parent / "bars.toml"
    quick = ["--set", "epochs=12", "--set", "learning_rate=0.01", "--set", "ema=0.9"]
    code, out, _ = inkfast("train", recipe, "--out", run, *quick, "--resume")
    assert (code, "already trained" in out) == (0, True)
    code, _, err = inkfast("train", recipe, "--out", run, *quick[2:], "--resume")
    assert (code, "epochs 12, now 2" in err) == (2, True)
    code, _, err = inkfast("train", recipe, "--out", run)
    assert (code, "already holds a run" in err) == (2, True)


@pytest.mark.parametrize(("words", "message"), [
    (["train", "number-reader", "--noise", "none"], "--noise is for models of single digits"),
    (["compare", "--models", "number-reader"], "number-reader reads numbers"),
    (["train", "number-reader", "--set", "epoch=1"], "unknown recipe key 'epoch'"),
    (["train", "number-reader(width=3)"], "parameter of model 'number-reader' 'width'"),
    (["train", "absent.toml"], "cannot read the recipe absent.toml"),
])  # fmt: skip
def test_impossible_commands_are_one_line(inkfast, words, message):
    """Exit code 2, and one line on standard error."""
    code, _, err = inkfast(*words)
    assert code == 2
    assert message in err
    assert err.count("\n") == 1


def test_other_commands_refuse_a_run_of_numbers(run, inkfast):
    """They say which commands take it."""
    code, _, err = inkfast("evaluate", run, "--data", "synthetic")
    assert (code, "has a network that reads numbers" in err) == (2, True)
    code, _, err = inkfast("export", run, "--to", "onnx-int8")
    assert (code, "is exported with `--to onnx`" in err) == (2, True)


def test_only_a_run_of_numbers_reads_numbers(run, tmp_path):
    """Other folders are refused, and a run guarantees nothing before it is exported."""
    with pytest.raises(ValueError, match="is not a run"):
        open_page_model(str(tmp_path), None)
    with pytest.raises(ValueError, match="is a run folder, which has no risk guarantee"):
        open_page_model(str(run), 0.01)


def test_a_recipe_file_of_one_model_can_be_trained(inkfast, tmp_path):
    """`train` takes experiment files; one of several models belongs to compare."""
    (tmp_path / "two.toml").write_text('models = ["cnn", "mlp"]')
    code, _, err = inkfast("train", tmp_path / "two.toml")
    assert (code, "expected an experiment with one model" in err) == (2, True)


def test_composed_strips_are_trained_on(inkfast, tmp_path):
    """The whole way once: strips are composed in processes, trained on, and kept for export."""
    recipe = RECIPE.replace("MODEL", "number-reader(widths=[4, 4, 4, 8], blocks=0, context=0)")
    (tmp_path / "small.toml").write_text(recipe)
    code, out, err = inkfast("train", tmp_path / "small.toml", "--out", tmp_path / "run")
    assert (code, err) == (0, "")
    assert "of 20 composed strips of left-out writers exactly right" in out
    assert len(number_strips(tmp_path / "run", "calibration")) == 30
    assert (tmp_path / "run" / "fits" / "number-reader-seed0" / "model.json").is_file()


def test_a_training_starts_from_a_finished_run(run, inkfast, tmp_path):
    """The command keeps the recipes; the mean of a run and itself is that run; other architectures and models of digits are refused."""
    recipe = tmp_path / "more.toml"
    recipe.write_text(RECIPE.replace("MODEL", TINY))
    words = ("--seed", 1, "--start-from", f"{run}, {run}", "--out", tmp_path / "more")
    code, _, err = inkfast("train", recipe, *words)
    assert code == 0, err
    assert len(load_number_run(tmp_path / "more")[1].earlier) == 1
    code, _, err = inkfast("train", "number-reader", "--start-from", run, "--out", tmp_path / "x")
    assert (code, "expected a network of the same architecture" in err) == (2, True)
    code, _, err = inkfast("train", "cnn", "--data", "synthetic", "--start-from", run)
    assert (code, "has a network that reads numbers" in err) == (2, True)
    with pytest.raises(ValueError, match="`start_from` must be a run folder, .* got 3"):
        number_experiment({"models": [TINY], "start_from": 3})

"""Training: learning, reproducibility, resuming, divergence and saved models."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight

import inkfast
from inkfast import models, noise
from inkfast.synthetic.non_digits import NO_DIGIT
from inkfast.training import (
    Callback,
    FitSpec,
    TrainedModel,
    checkpoint,
    fit,
    hardware,
    resolve_recipe,
)
from inkfast.training.batches import TrainingSet, split_validation
from inkfast.training.loss import outlier_targets
from inkfast.training.optimisation import WeightAverage, make_optimisers
from tests.conftest import make_strokes

SMALL = {"epochs": 4, "batch_size": 64, "min_epoch_images": 0, "precision": "fp32"}


def fit_spec(
    digits,
    model="mlp(hidden=[32], dropout=0.2)",
    seed=0,
    train_noise="fresh",
    chain="translate(pixels=1)",
    **recipe,
) -> FitSpec:
    return FitSpec(
        architecture=models.build_model(model), recipe=resolve_recipe(SMALL, recipe), digits=digits,
        noise=noise.build_noise(chain), train_noise=train_noise, seed=seed, threads=1,
    )  # fmt: skip


def weights(trained: TrainedModel) -> dict[str, torch.Tensor]:
    return trained.model.state_dict()


def same(a: TrainedModel, b: TrainedModel) -> bool:
    return all(torch.equal(weights(a)[key], weights(b)[key]) for key in weights(a))


@pytest.mark.parametrize("recipe", [
    {}, {"optimiser": "adam"}, {"optimiser": "sgd", "learning_rate": 0.1, "momentum": 0.9},
    {"optimiser": "rmsprop", "learning_rate": 1e-3}, {"optimiser": "muon"}, {"schedule": "plateau"}, {"schedule": "constant"},
    {"ema": 0.9}, {"label_smoothing": 0.1}, {"class_weights": "balanced"}, {"l2": 1e-4},
    {"precision": "bf16"}, {"validation_rows": "last"}, {"augment": "gaussian(sigma=0.05)"},
    {"monitor": "loss"}, {"keep": "last"},
])  # fmt: skip
def test_every_way_of_training_learns(strokes, recipe):
    """Every recipe learns easy digits, and equal seeds give equal weights."""
    model = "cnn(layers='C8(5)/2-MP-C16')"
    first = fit(fit_spec(strokes, model, **{"epochs": 8, "learning_rate": 0.01, **recipe}))
    accuracy = (first.probabilities(strokes).argmax(axis=1) == strokes.labels).mean()
    assert accuracy > 0.9
    assert len(first.history) == 8


@pytest.mark.parametrize("train_noise", ["fresh", "once", "none"])
def test_the_same_seed_gives_the_same_weights(strokes, train_noise):
    """Equal seeds give equal bits whatever ran before; other seeds do not."""
    first = fit(fit_spec(strokes, train_noise=train_noise))
    torch.rand(7)
    assert same(first, fit(fit_spec(strokes, train_noise=train_noise)))
    assert not same(first, fit(fit_spec(strokes, train_noise=train_noise, seed=1)))


def test_torch_keeps_its_global_state(strokes):
    """Training does not change torch's global random state and number of threads."""
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    fit(fit_spec(strokes, epochs=1))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads


def test_train_noise_decides_what_is_seen(strokes):
    """Fresh noise differs between epochs, noise drawn once does not, and none leaves digits clean."""

    def epoch(fresh: bool, chain: str, number: int) -> torch.Tensor:
        data = TrainingSet.of(
            strokes, noise.build_noise(chain), fresh=fresh, recipe=resolve_recipe(SMALL), seed=0,
            device=torch.device("cpu"),
        )  # fmt: skip
        images = torch.cat([images for images, _ in data.epoch(number)])
        return images.flatten(1).sort(dim=0).values  # order of rows put aside

    turned = "gaussian(sigma=0.1)"
    assert not torch.equal(epoch(True, turned, 1), epoch(True, turned, 2))
    assert torch.equal(epoch(True, turned, 1), epoch(True, turned, 1))
    assert torch.equal(epoch(False, turned, 1), epoch(False, turned, 2))
    assert torch.equal(epoch(True, "none", 1), epoch(True, "none", 2))


def test_an_epoch_shows_every_row_equally_often(strokes):
    """Small sets are repeated up to the number of images, every row equally often."""
    recipe = resolve_recipe(SMALL, {"min_epoch_images": 1000})
    data = TrainingSet.of(
        strokes,
        noise.build_noise("none"),
        fresh=True,
        recipe=recipe,
        seed=0,
        device=torch.device("cpu"),
    )
    labels = torch.cat([labels for _, labels in data.epoch(1)])
    assert torch.bincount(labels).tolist() == [120] * 10


@pytest.mark.parametrize("rows", ["stratified", "last"])
def test_validation_rows_are_cut_from_training_rows(strokes, rows):
    """Parts share no row; `last` takes the last rows in order."""
    train, validation = split_validation(
        strokes, resolve_recipe(SMALL, {"validation_rows": rows, "validation": 0.25}), 0
    )
    assert not set(train) & set(validation)
    assert len(validation) == 100
    if rows == "last":
        assert validation.tolist() == list(range(300, 400))


def test_the_best_epoch_is_kept(strokes):
    """The weights are those of the epoch with the best validation accuracy, not the last."""
    trained = fit(fit_spec(strokes, epochs=6, schedule="constant", learning_rate=0.05))
    best = max(trained.history, key=lambda e: (e.validation_accuracy, -e.validation_loss))
    assert trained.best_epoch == best.number
    _, rows = split_validation(strokes, trained.recipe, 0)
    from inkfast.core.random import derive_seed
    from inkfast.noise import noisy

    validation = noisy(
        strokes.pick(rows, "validation rows"),
        noise.build_noise("translate(pixels=1)"),
        derive_seed(0, "validation noise"),
    )
    accuracy = (trained.probabilities(validation).argmax(axis=1) == validation.labels).mean()
    assert accuracy == pytest.approx(best.validation_accuracy)


def test_early_stopping_waits_its_patience(strokes):
    """Training stops after that many epochs without a better one."""
    trained = fit(fit_spec(strokes, epochs=60, patience=2, schedule="constant", learning_rate=0.02))
    accuracies = [epoch.validation_accuracy for epoch in trained.history]
    assert len(trained.history) == accuracies.index(max(accuracies)) + 1 + 2 < 60


def test_averaged_weights_have_statistics_of_their_own(strokes):
    """Under a slow average, batch-norm statistics are those of the averaged weights."""
    trained = fit(fit_spec(strokes, "cnn(layers='C8(5)/2-GAP')", ema=0.97, epochs=3, chain="none"))
    model = trained.model
    images = torch.tensor(strokes.images / 255, dtype=torch.float32)[:, None]
    with torch.no_grad():
        seen = model[0](images)
    torch.testing.assert_close(model[1].running_mean, seen.mean((0, 2, 3)), atol=0.02, rtol=0.05)
    torch.testing.assert_close(model[1].running_var, seen.var((0, 2, 3)), atol=0.02, rtol=0.1)


def test_averaged_weights_are_measured_on_10_000_images(strokes, monkeypatch):
    """One batch would not be enough to estimate means and variances."""
    shown = []

    def spy(self, model, batches):
        shown.append(sum(len(batch) for batch in batches))
        return real(self, model, batches)

    real = WeightAverage.load_into
    monkeypatch.setattr(WeightAverage, "load_into", spy)
    fit(fit_spec(strokes, "mlp(hidden=[4])", ema=0.9, epochs=1, min_epoch_images=12_000))
    assert [count // 64 for count in shown] == [10_000 // 64 + 1]  # in batches of 64


def test_class_weights_pass_over_a_class_that_is_not_there():
    """Present classes have scikit-learn's weights, without outliers; absent classes have weight 1."""
    labels = np.array([0, 0, 0, 2, 2, 7])
    data = TrainingSet(
        torch.zeros(8, 28, 28, dtype=torch.uint8),
        torch.tensor([*labels, NO_DIGIT, NO_DIGIT]),
        noise.build_noise("none"), resolve_recipe(), 0,
    )  # fmt: skip
    expected = np.ones(10)
    present = np.unique(labels)
    expected[present] = compute_class_weight("balanced", classes=present, y=labels)
    np.testing.assert_allclose(data.class_weights().numpy(), expected, rtol=1e-6)


def test_a_loss_that_is_nan_stops_and_keeps_the_last_good_state(strokes, tmp_path):
    """Divergence is one sentence; the checkpoint before it can be loaded."""
    poisoned = fit_spec(strokes, chain="brightness(delta=0.1)")

    def poison(epoch):
        if epoch.number == 2:
            object.__setattr__(poisoned.noise.noises[0], "delta", float("nan"))

    with pytest.raises(
        ValueError, match=r"the loss became nan in epoch 3, with learning_rate=0\.00"
    ) as error:
        fit(poisoned, tmp_path, Callback(on_epoch_end=poison))
    assert "The checkpoint of the epoch before is kept" in str(error.value)
    _, state, damaged = checkpoint.load_newest_checkpoint(tmp_path)
    assert (state["epoch"], damaged) == (2, [])
    with pytest.raises(ValueError, match="in epoch 1"):
        fit(poisoned)


def test_a_validation_loss_that_is_not_finite_stops_too(strokes, monkeypatch):
    """An epoch with a finite training loss and an infinite validation loss does not count."""
    monkeypatch.setattr("inkfast.training.loop.evaluate_model", lambda *_: (float("inf"), 0.1))
    with pytest.raises(ValueError, match="the loss became inf in epoch 1"):
        fit(fit_spec(strokes))


def test_an_epoch_may_pass_its_only_digit_over(strokes):
    """An epoch whose batches hold only outliers has an accuracy of 0."""
    two = strokes.pick(np.array([0, 10]), "two of a class")
    recipe = {"outliers": 2, "batch_size": 2, "validation": 0.5, "epochs": 10}
    trained = fit(fit_spec(two, **recipe))
    assert 0 in [epoch.accuracy for epoch in trained.history]


def test_precision_is_not_advised_to_who_has_it(strokes, monkeypatch):
    """The message suggests fp32 only if training was in bf16."""
    monkeypatch.setattr("inkfast.training.loop.evaluate_model", lambda *_: (float("inf"), 0.1))
    for precision, advised in (("fp32", False), ("bf16", True)):
        with pytest.raises(ValueError, match=r"Lower learning_rate[.,]") as error:
            fit(fit_spec(strokes, precision=precision))
        assert ("try precision='fp32'" in str(error.value)) == advised


def test_a_saved_model_is_the_model(strokes, tmp_path):
    """A loaded model predicts the same and has the same description."""
    trained = fit(fit_spec(strokes, "cnn(layers='C4/2-MP-20')"))
    trained.save(tmp_path)
    again = TrainedModel.load(tmp_path)
    np.testing.assert_array_equal(again.probabilities(strokes), trained.probabilities(strokes))
    assert again.recipe == trained.recipe
    assert again.architecture == trained.architecture
    assert again.history == trained.history
    content = bytearray((tmp_path / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(ValueError, match="is damaged or was changed"):
        TrainedModel.load(tmp_path)


# two convolutions, so that the memory layout of optimiser state matters
CONVOLUTIONS = "cnn(layers='C8(5)/2-C16-MP-C16')"


def test_precision_on_cuda_is_what_the_hardware_has(monkeypatch):
    """Emulated bf16 is not chosen, and fp32 is not rounded to TF32."""
    cuda = torch.device("cuda")
    asked = lambda including_emulation=True: including_emulation  # noqa: E731 - a card without bf16
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", asked)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    assert hardware.choose_precision("auto", cuda) == "fp32"
    assert torch.backends.cudnn.allow_tf32
    assert hardware.choose_precision("fp32", cuda) == "fp32"
    assert not torch.backends.cudnn.allow_tf32


def test_an_outlier_weighs_half_a_digit():
    """Its loss is half the mean cross-entropy over all classes; a digit's loss is unchanged."""
    logits = torch.tensor([[2.0, *[0.0] * 9], [0.0, 3.0, *[0.0] * 8], [1.0, 5.0, *[0.0] * 8]])
    labels = torch.tensor([0, 7, NO_DIGIT])
    lost = -logits.log_softmax(1)
    expected = (lost[0, 0] + lost[1, 7] + 0.5 * lost[2].mean()) / 3
    found = torch.nn.functional.cross_entropy(logits, outlier_targets(labels))
    torch.testing.assert_close(found, expected)


KILLED = """
import os, signal, sys
import numpy as np
from tests.training.test_fit import fit_spec
from inkfast.core import io
from inkfast.core.digits import Digits
from inkfast.training import Callback, fit

where, folder, recipe = sys.argv[1], sys.argv[2], eval(sys.argv[3])
arrays = np.load(sys.argv[4])
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
seen, replace = [], os.replace
def step(share):
    if where == "step" and share > 0.6:
        die()
def dying_replace(source, target):
    seen.append(target)
    if where == "write" and len(seen) == 8:
        die()
    if where == "between" and len(seen) == 9:  # tensors of epoch 3 are there, their JSON is not
        replace(source, target)
        die()
    replace(source, target)
os.replace = dying_replace
from pathlib import Path
fit(fit_spec(Digits(arrays["images"], arrays["labels"], "strokes"), **recipe), Path(folder), Callback(on_progress=step))
"""


@pytest.mark.parametrize(("where", "recipe"), [
    ("step", {"epochs": 5, "ema": 0.9}),
    ("step", {"epochs": 4, "model": CONVOLUTIONS, "keep": "last", "ema": 0.9}),
    ("step", {"epochs": 4, "model": CONVOLUTIONS, "optimiser": "sgd", "momentum": 0.9, "precision": "bf16"}),
    ("step", {"epochs": 5, "schedule": "plateau", "optimiser": "rmsprop"}),
    ("step", {"epochs": 4, "model": CONVOLUTIONS, "optimiser": "muon"}),
    ("write", {"epochs": 5, "optimiser": "sgd", "momentum": 0.9}),
    ("between", {"epochs": 5}),
])  # fmt: skip
def test_a_killed_fit_is_resumed_to_the_same_bits(strokes, tmp_path, where, recipe):
    """After SIGKILL during an epoch or a write, the resumed fit has the weights of an uninterrupted one."""
    np.savez(tmp_path / "digits.npz", images=strokes.images, labels=strokes.labels)
    folder = tmp_path / "checkpoints"
    root = Path(__file__).parents[2]
    # the code under test, which need not be the one that is installed
    paths = os.pathsep.join([str(root), str(Path(inkfast.__file__).parents[1])])
    died = subprocess.run(
        [sys.executable, "-c", KILLED, where, str(folder), repr(recipe), str(tmp_path / "digits.npz")],
        cwd=root, env={**os.environ, "PYTHONPATH": paths}, check=False,
    )  # fmt: skip
    assert died.returncode == -signal.SIGKILL
    said = []
    resumed = fit(fit_spec(strokes, **recipe), folder, Callback(on_message=said.append))
    assert said[0].startswith("resumed after epoch ")
    assert said[0] != "resumed after epoch 0"
    whole = fit(fit_spec(strokes, **recipe))
    assert same(resumed, whole)
    assert [e.validation_loss for e in resumed.history] == [
        e.validation_loss for e in whole.history
    ]


@pytest.fixture(scope="module")
def uninterrupted(strokes) -> TrainedModel:
    """Return a model that was trained without an interruption."""
    return fit(fit_spec(strokes))


@pytest.mark.parametrize("tear", ["tensors", "json", "version"])
def test_a_damaged_checkpoint_is_skipped_and_reported(strokes, uninterrupted, tmp_path, tear):
    """If the newest checkpoint is damaged or foreign, the one before gives the same bits."""

    def stop(epoch):
        if epoch.number == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(fit_spec(strokes), tmp_path, Callback(on_epoch_end=stop))
    newest = sorted(tmp_path.glob("*.safetensors" if tear == "tensors" else "*.json"))[-1]
    content = newest.read_bytes()
    torn = content.replace(b'"version": 2', b'"version": 1') if tear == "version" else content[:-20]
    assert torn != content
    newest.write_bytes(torn)
    said = []
    resumed = fit(fit_spec(strokes), tmp_path, Callback(on_message=said.append))
    assert said[0].startswith("checkpoint epoch-000003 cannot be used")
    assert ("another version of inkfast wrote it" in said[0]) == (tear == "version")
    assert said[1] == "resumed after epoch 2"
    assert same(resumed, uninterrupted)


TAMPERED = {
    "groups": [None, "[]", [], ["[["], ["[" * 100_000], [1], ['[{"params": [0]}]']],
    "threads": [None, "2", 0, -1, 1.5], "precision": [None, 3, "fp8"],
    "history": [None, "x", [], [[]], [{}], {"a": 1}], "epoch": [None, 7],
}  # fmt: skip


@pytest.mark.parametrize(
    ("key", "value"), [(key, value) for key, values in TAMPERED.items() for value in values]
)
def test_a_tampered_checkpoint_is_passed_over_and_said(stopped, tmp_path, key, value):
    """The SHA-256 covers the tensors only: other values are checked by type."""
    newest = sorted(stopped.glob("*.json"))[-1]
    changed = json.loads(newest.read_text()) | {key: value}
    if value is None:
        del changed[key]
    shutil.copytree(stopped, tmp_path, dirs_exist_ok=True)
    (tmp_path / newest.name).write_text(json.dumps(changed))
    optimisers = make_optimisers(
        models.create(fit_spec(None).architecture, torch.Generator()), fit_spec(None).recipe
    )
    _, state, faults = checkpoint.load_newest_checkpoint(tmp_path, optimisers)
    assert (len(faults), len(state["history"])) == (1, 1)
    assert faults[0].startswith("checkpoint epoch-000002 cannot be used")
    assert "\n" not in faults[0]


@pytest.fixture(scope="session")
def stopped(tmp_path_factory) -> Path:
    """Return the checkpoints of a fit that was stopped after two epochs."""
    folder = tmp_path_factory.mktemp("stopped")
    fit(fit_spec(make_strokes(), epochs=2), folder)
    return folder


@pytest.mark.parametrize(("key", "value", "message"), [
    ("best_epoch", 99, "`best_epoch` must be a whole number >= 1 and <= 2, got 99"),
    ("best_epoch", -5, "got -5"), ("best_epoch", 0, "got 0"), ("best_epoch", "x", "got 'x'"),
    ("history", [], "`best_epoch` must be"), ("history", "x", ""), ("history", 3, ""),
    ("validation_accuracy", "high", "`validation_accuracy` must be a finite number"),
    ("validation_accuracy", None, "got None"), ("validation_accuracy", 2, "<= 1, got 2"),
    ("number", 5, "its epochs are not numbered from 1"),
    ("class_counts", [], ""), ("class_counts", {"given": [1], "trained_on": [1]}, "10 numbers"),
    ("class_counts", {"given": ["a"] * 10}, "`class_counts` must be a whole number"),
    ("machine", "mine", "`machine` must be a table of text and numbers, got 'mine'"),
    ("machine", {"cores": []}, "`machine` must be"), ("train_seconds", "1", "`train_seconds` must"),
    ("seed", [], "`seed` must"), ("threads", None, "`threads` must"),
    ("precision", 7, "`precision` must"), ("recipe", [], ""), ("architecture", 3, ""),
])  # fmt: skip
def test_a_tampered_model_is_one_line(strokes, tmp_path, key, value, message):
    """Values beside the weights are checked by type when they are loaded."""
    fit(fit_spec(strokes, epochs=2)).save(tmp_path)
    path = tmp_path / "model.json"
    described = json.loads(path.read_text())
    place = described if key in described else described["history"][0]
    place[key] = value
    path.write_text(json.dumps(described))
    with pytest.raises(ValueError, match=f"is damaged or was changed .*{message}.*Delete") as error:
        TrainedModel.load(tmp_path)
    assert "\n" not in str(error.value)


def test_only_two_checkpoints_are_kept(strokes, tmp_path):
    """Older checkpoints are deleted, and the files of the others are complete pairs."""
    fit(fit_spec(strokes, epochs=5), tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [
        "epoch-000004.json", "epoch-000004.safetensors", "epoch-000005.json", "epoch-000005.safetensors",
    ]  # fmt: skip
    json.loads((tmp_path / "epoch-000005.json").read_text())


def test_threads_are_chosen_by_timing(monkeypatch):
    """The number of threads with the faster step is chosen."""
    clock = {"now": 0.0}
    monkeypatch.setattr(hardware.time, "perf_counter", lambda: clock["now"])
    monkeypatch.setattr(hardware.os, "sched_getaffinity", lambda _: {0, 1, 2}, raising=False)

    def step_costing(costs):
        def step():
            clock["now"] += costs[torch.get_num_threads()]

        return step

    assert hardware.choose_threads(step_costing({1: 1.0, 3: 10.0})) == 1
    assert hardware.choose_threads(step_costing({1: 1.0, 3: 0.4})) == 3


def test_precision_follows_the_processor(monkeypatch):
    """bf16 is chosen if the processor supports it, else fp32; an explicit precision is kept."""
    where = torch.device("cpu")
    for flags, expected in (
        ("avx2 amx_bf16", "bf16"),
        ("avx512_bf16", "bf16"),
        ("avx2 avx512f", "fp32"),
        ("", "fp32"),
    ):
        monkeypatch.setattr(hardware, "_cpu_info", lambda _, flags=flags: flags)
        assert hardware.choose_precision("auto", where) == expected
        assert hardware.choose_precision("fp32", where) == "fp32"


def test_validation_rows_of_their_own(strokes):
    """With given validation rows none are cut off, and validation metrics are those of the given rows."""
    given = strokes.pick(np.arange(50), "given")
    plain = fit_spec(strokes, chain="none")
    trained = fit(dataclasses.replace(plain, validation=given))
    assert trained.class_counts["given"] == [40] * 10
    assert fit(plain).class_counts["given"] == [36] * 10
    accuracy = (trained.probabilities(given).argmax(axis=1) == given.labels).mean()
    assert accuracy == pytest.approx(trained.best.validation_accuracy)

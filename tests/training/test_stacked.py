"""Stacked fits: each ends as a separate fit, whatever happens to the others."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from inkfast.core.errors import DivergedError, StoppedError
from inkfast.training import Callback, TrainedModel, fit, stacked
from inkfast.training.loop import TrainingLoop
from tests.training.test_fit import fit_spec, weights

CNN = "cnn(layers='C8(5)/2-MP-C8')"
MLP = "mlp(hidden=[32], dropout=0.2)"
NETWORKS = (
    CNN, MLP, "densenet(layers=[2, 2], growth=4)", "inception(widths=[8])", "lenet5",
    "resnet(widths=[8, 8])", "vgg(widths=[4], dense=16)", "cnn(layers='LCN-C8-D.2-AP-BN-C8-GAP')",
)  # fmt: skip
# Adam divides a gradient by its own size, so that one of pure rounding moves a weight as far as any
# other: what is compared after many steps takes them by plain descent.
PLAIN = {"optimiser": "sgd", "learning_rate": 0.01}
# Of the weights, after two epochs. torch's batch normalisation on a CPU is off by 4.5e-5 itself.
CLOSE = {"atol": 1e-3, "rtol": 1e-3}


def tasks(strokes, model, unequal=(0, 0, 0), **recipe):
    """Tasks of other seeds; of each the last pictures are left out."""
    return [
        fit_spec(strokes.pick(np.arange(len(strokes) - fewer), "fold"), model, seed, **recipe)
        for seed, fewer in enumerate(unequal)
    ]


def side_by_side(given, folder=None, callbacks=None):
    """Return what became of tasks that are trained at once."""
    callbacks = callbacks or [Callback()] * len(given)
    lanes = [
        stacked.StackableFit(one, folder and folder / str(i), callback)
        for i, (one, callback) in enumerate(zip(given, callbacks, strict=True))
    ]
    while going := [lane for lane in lanes if lane.result is None]:
        stacked.train_stacked(going)
    return [lane.result for lane in lanes]


def assert_alike(found: TrainedModel, alone: TrainedModel) -> None:
    assert len(found.history) == len(alone.history)
    for mine, theirs in zip(found.history, alone.history, strict=True):
        assert mine.loss == pytest.approx(theirs.loss, rel=1e-3)
        assert mine.validation_loss == pytest.approx(theirs.validation_loss, rel=1e-3)
        assert mine.learning_rate == theirs.learning_rate
    torch.testing.assert_close(weights(found), weights(alone), **CLOSE)


@pytest.fixture
def together_steps(monkeypatch):
    """Count the steps that are taken at once."""
    sizes, step = [], stacked._Stack.step
    monkeypatch.setattr(
        stacked._Stack, "step", lambda self, b: (sizes.append(len(b)), step(self, b))
    )
    return sizes


@pytest.mark.parametrize("model", [CNN, MLP])
def test_side_by_side_is_as_alone(strokes, model, together_steps):
    """Stacked fits of unequal folds have the history and weights of separate fits, within rounding."""
    given = tasks(strokes, model, unequal=(0, 1, 1), epochs=2, **PLAIN)
    found = side_by_side(given)
    for mine, one in zip(found, given, strict=True):
        assert_alike(mine, fit(one))
    # 360, 359 and 359 rows in batches of 64: five steps of an epoch are taken at once, one is not
    assert together_steps == [3] * 10


@pytest.mark.parametrize("recipe", [
    {"class_weights": "balanced", "label_smoothing": 0.1, "l2": 1e-2}, {"outliers": 30},
])  # fmt: skip
@pytest.mark.parametrize("model", NETWORKS)
def test_gradients_of_every_network_are_those_of_one(strokes, model, recipe, double):
    """Loss, predictions, gradients and running statistics of a step equal those of separate fits."""
    rare = strokes.pick(np.arange(330), "uneven")
    given = [fit_spec(d, model, i, chain="none", **recipe) for i, d in enumerate((strokes, rare))]
    alone, side_by_side = ([TrainingLoop(one, None, Callback()) for one in given] for _ in range(2))
    for one in (*alone, *side_by_side):
        one.model.train()
        one.update = lambda: None
    batches = [[images.double(), labels] for one in alone for images, labels in [next(one.data.epoch(1))]]  # fmt: skip
    stacked._Stack(side_by_side).step(batches)
    for one, other, batch in zip(alone, side_by_side, batches, strict=True):
        one.step(*batch)
        torch.testing.assert_close(other.measured, one.measured)
        for mine, theirs in zip(other.model.parameters(), one.model.parameters(), strict=True):
            torch.testing.assert_close(mine.grad, theirs.grad)
            assert mine.stride() == theirs.stride()
        for mine, theirs in zip(other.model.buffers(), one.model.buffers(), strict=True):
            torch.testing.assert_close(mine, theirs)


@pytest.fixture
def double(monkeypatch):
    """Compute in float64, in which no activation falls on the other side of a ReLU by rounding."""
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("optimiser", ["adamw", "rmsprop", "muon"])
def test_every_optimiser_learns_side_by_side(strokes, optimiser):
    """Muon trains the weights that were moved into the stack and out of it."""
    given = tasks(strokes, CNN, epochs=8, optimiser=optimiser, learning_rate=0.01, ema=0.9)
    for found in side_by_side(given[:2]):
        accuracy = (found.probabilities(strokes).argmax(axis=1) == strokes.labels).mean()
        assert accuracy > 0.9


def test_bf16_runs_side_by_side(strokes):
    """Stacked bf16 training works on a CPU."""
    for model in (CNN, MLP):
        found = side_by_side(tasks(strokes, model, epochs=2, precision="bf16", **PLAIN))
        assert all(result.precision == "bf16" for result in found)
        assert all(result.history[1].loss < result.history[0].loss for result in found)


def test_patience_ends_one_and_not_the_others(strokes):
    """A fit that stops early leaves the stack; the others end as separate fits."""
    given = tasks(strokes, MLP, epochs=12, patience=2, schedule="constant", **PLAIN)
    found = side_by_side(given)
    assert len({len(result.history) for result in found}) > 1
    for mine, one in zip(found, given, strict=True):
        assert_alike(mine, fit(one))


def test_the_seconds_of_a_shared_step_are_divided(strokes, monkeypatch):
    """Three fits that share a step of six seconds are charged two seconds each."""
    loops = [TrainingLoop(one, None, Callback()) for one in tasks(strokes, MLP, epochs=1, **PLAIN)]
    batches = [next(one.data.epoch(1)) for one in loops]
    clock = iter([10.0, 16.0])
    monkeypatch.setattr(stacked, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    stacked._Stack(loops).step(batches)
    assert len(loops) == 3
    assert [one.seconds for one in loops] == [2.0, 2.0, 2.0]


def test_divergence_of_one_leaves_the_others(strokes, tmp_path):
    """A NaN loss and a callback that stops end only their own fits."""
    given = tasks(strokes, MLP, epochs=3, **PLAIN)
    given[1] = fit_spec(strokes, MLP, 1, epochs=3, **PLAIN | {"learning_rate": 100.0, "l2": 0.0},
                    chain="brightness(delta=0.1)")  # fmt: skip
    object.__setattr__(given[1].noise.noises[0], "delta", float("nan"))
    quits = Callback(should_stop=lambda epoch: epoch.number == 2)
    found = side_by_side(given, tmp_path, [Callback(), Callback(), quits])
    assert isinstance(found[1], DivergedError)
    assert "in epoch 1" in str(found[1])
    assert isinstance(found[2], StoppedError)
    assert_alike(found[0], fit(given[0]))


@pytest.mark.parametrize("model", [CNN, MLP])
def test_interrupted_stacked_fits_are_resumed(strokes, tmp_path, model):
    """Interrupted during an epoch, each fit resumes from its own checkpoint to the same result."""
    given = tasks(strokes, model, unequal=(0, 1, 70), epochs=3, batch_size=8, **PLAIN)

    def interrupt(share):
        if share > 0.45:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        side_by_side(given, tmp_path, [Callback(), Callback(on_progress=interrupt), Callback()])
    said = []
    resumed = side_by_side(given, tmp_path, [Callback(on_message=said.append)] * 3)
    assert said == ["resumed after epoch 1"] * 3
    for mine, whole in zip(resumed, side_by_side(given), strict=True):
        assert_alike(mine, whole)


def test_only_fits_of_one_form_share_steps(strokes):
    """Rates and seeds may differ between stacked fits; network, batch size and loss may not."""
    one = stacked.StackableFit(fit_spec(strokes), None, Callback())
    other = fit_spec(strokes, seed=1, learning_rate=0.1, optimiser="sgd")
    assert stacked.StackableFit(other, None, Callback()).signature == one.signature
    for unlike in (fit_spec(strokes, "lenet5"), fit_spec(strokes, batch_size=32), fit_spec(strokes, l2=0.1),
                   fit_spec(strokes, precision="bf16"), fit_spec(strokes, outliers=10)):  # fmt: skip
        assert stacked.StackableFit(unlike, None, Callback()).signature != one.signature


def test_a_fit_keeps_no_other_in_memory(strokes):
    """The file and the memory of a model hold its own weights only."""
    for found in side_by_side(tasks(strokes, CNN, epochs=1)):
        for tensor in found.model.state_dict().values():
            assert tensor.untyped_storage().nbytes() == tensor.nbytes

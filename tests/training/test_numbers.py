"""Training of networks that read numbers: recipe, shards, batches, learning and resuming."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np
import pytest
import torch

from inkfast.core.digits import Digits
from inkfast.execution.processes import ProcessExecutor
from inkfast.inference.numbers import ALPHABET
from inkfast.synthetic.drawn_strokes import draw_library
from inkfast.synthetic.strips import Handwriting
from inkfast.training import Callback
from inkfast.training.number_batches import (
    BLANK,
    StripBatch,
    epoch_batches,
    plan_batches,
    shards_of_epoch,
)
from inkfast.training.number_loop import fit_numbers
from inkfast.training.number_model import (
    StripRecogniser,
    TrainedNumberNetwork,
    average_networks,
)
from inkfast.training.number_recipe import NumberRecipe, parse_rasters, resolve_number_recipe
from inkfast.training.number_shards import (
    Composition,
    LabelledStrips,
    compose_shard,
    compose_shards,
    load_shard,
    load_training_shards,
    shard_path,
)
from inkfast.training.number_sources import attributions, load_hands
from inkfast.training.number_validation import edit_distance, read_best_path
from tests.training.number_makers import bar_spec, bar_strip, bar_strips, write_shard

HANDWRITING = Handwriting(draw_library(writers=3))


def weights(trained: TrainedNumberNetwork) -> list[torch.Tensor]:
    return list(trained.model.state_dict().values())


def test_a_tiny_network_learns_and_is_saved(tmp_path):
    """It reads strips it has not seen, and a saved network gives the same probabilities."""
    trained = fit_numbers(bar_spec(tmp_path / "shards", epochs=12))
    assert trained.best.validation_accuracy > 0.9
    assert trained.best.character_error < 0.1
    assert len(trained.history) == 12
    trained.save(tmp_path / "fit")
    loaded = TrainedNumberNetwork.load(tmp_path / "fit")
    strips = np.stack([bar_strip("120"), bar_strip("987")])
    found = loaded.log_probabilities(strips)
    np.testing.assert_array_equal(found, trained.log_probabilities(strips))
    np.testing.assert_allclose(np.exp(found).sum(axis=2), 1, atol=1e-5)
    frames = torch.full((2,), found.shape[1])
    assert read_best_path(torch.from_numpy(found), frames) == ["120", "987"]
    assert dataclasses.replace(loaded, model=trained.model) == trained
    content = bytearray((tmp_path / "fit" / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (tmp_path / "fit" / "model.safetensors").write_bytes(content)
    with pytest.raises(ValueError, match="is damaged or was changed"):
        TrainedNumberNetwork.load(tmp_path / "fit")


@pytest.mark.parametrize("recipe", [{}, {"optimiser": "muon", "ema": 0.0}])
def test_a_resumed_fit_ends_with_the_same_bits(tmp_path, recipe):
    """Stopped after the first epoch and resumed, it has the weights of a fit without interruption."""
    spec = bar_spec(tmp_path / "shards", epochs=3, shard_strips=24, **recipe)
    whole = fit_numbers(spec)
    with pytest.raises(ValueError, match="stopped after epoch 1"):
        fit_numbers(spec, tmp_path / "kept", Callback(should_stop=lambda epoch: True))
    said: list[str] = []
    torch.rand(5)
    resumed = fit_numbers(spec, tmp_path / "kept", Callback(on_message=said.append))
    assert said == ["resumed after epoch 1"]
    assert all(map(torch.equal, weights(whole), weights(resumed)))
    other = fit_numbers(dataclasses.replace(spec, seed=1))
    assert not all(map(torch.equal, weights(whole), weights(other)))


def test_a_fit_can_start_from_another_one(tmp_path):
    """It begins with the weights of the first one, and keeps its recipe."""
    first = fit_numbers(bar_spec(tmp_path / "shards", epochs=12))
    short = bar_spec(tmp_path / "more", seed=1, epochs=1, learning_rate=1e-4)
    second = fit_numbers(dataclasses.replace(short, start=first))
    assert second.best.validation_accuracy > 0.9 > fit_numbers(short).best.validation_accuracy
    second.save(tmp_path / "fit")
    loaded = TrainedNumberNetwork.load(tmp_path / "fit")
    assert loaded.earlier == [dataclasses.asdict(first.recipe)]


def test_a_fit_can_start_from_the_mean_of_several(tmp_path):
    """The mean of networks has the mean of their weights, and the recipes of all but the last."""
    one = fit_numbers(bar_spec(tmp_path / "shards", epochs=1))
    model = copy.deepcopy(one.model)
    for values in model.parameters():
        values.data += 2
    begun = {"earlier": [{"epochs": 9}]}
    other = dataclasses.replace(
        one, model=model, recipe=dataclasses.replace(one.recipe, epochs=5), **begun
    )
    mean = average_networks([dataclasses.replace(one, **begun), other])
    for before, after in zip(one.model.parameters(), mean.model.parameters(), strict=True):
        torch.testing.assert_close(after, before + 1)
    assert mean.earlier == [{"epochs": 9}, dataclasses.asdict(one.recipe)]
    assert mean.recipe == other.recipe


def test_a_loss_that_is_not_finite_stops(tmp_path):
    """Divergence is one sentence with the learning rate."""
    spec = bar_spec(tmp_path / "shards", learning_rate=90.0, optimiser="sgd", clip=1e6)
    with pytest.raises(ValueError, match=r"the loss became \S+ in epoch \d, with learning_rate=90"):
        fit_numbers(spec)


def test_the_exported_function_normalises_as_training_does():
    """A network gets the same input from `StripRecogniser` as from a batch of training."""
    seen: list[torch.Tensor] = []

    class Spy(torch.nn.Module):
        def forward(self, strips: torch.Tensor) -> torch.Tensor:
            seen.append(strips)
            return torch.zeros(len(strips), 5, BLANK + 1)

    strip = bar_strip("42")
    StripRecogniser(Spy())(torch.from_numpy(strip)[None])
    batch = StripBatch.of([strip], ["42"])
    width = strip.shape[1] + 16
    torch.testing.assert_close(seen[0], batch.strips[..., :width], atol=1e-5, rtol=1e-5)
    assert not batch.strips[..., width:].any()
    assert batch.strips.shape[3] % 40 == 0


def test_codes_are_indices_into_the_alphabet():
    """Texts follow one another; the empty text has no code."""
    batch = StripBatch.of([bar_strip("12"), bar_strip("3"), bar_strip("3")], ["12", "", "-3"])
    assert [ALPHABET[code] for code in batch.codes] == ["1", "2", "-", "3"]
    assert batch.lengths.tolist() == [2, 0, 2]


def test_every_strip_is_in_one_batch_within_the_limits():
    """Batches have at most the given number of strips and of columns, and strips alike in width."""
    rng = np.random.default_rng(0)
    widths = rng.integers(20, 600, 3000)
    strips = LabelledStrips([np.zeros((40, width), np.uint8) for width in widths], ["1"] * 3000)
    recipe = NumberRecipe(batch_size=16, batch_columns=3200)
    plan = plan_batches(strips, recipe, seed=0)
    assert sorted(row for rows in plan for row in rows) == list(range(3000))
    assert all(len(rows) <= 16 for rows in plan)
    wide = [rows for rows in plan if len(rows) > 8]
    assert all(len(rows) * (widths[rows].max() + 16) <= 3200 for rows in wide)
    assert np.mean([np.ptp(widths[rows]) for rows in plan]) < 20
    assert plan == plan_batches(strips, recipe, seed=0)
    assert plan != plan_batches(strips, recipe, seed=1)


def test_all_shards_have_their_turn_before_one_is_repeated():
    """Two epochs of three shards each use all six; later passes have another order."""
    recipe = NumberRecipe(shards=6, epoch_shards=3)
    passes = [
        shards_of_epoch(recipe, 0, first) + shards_of_epoch(recipe, 0, first + 1)
        for first in (1, 3, 5)
    ]
    assert all(sorted(one) == list(range(6)) for one in passes)
    assert len({tuple(one) for one in passes}) > 1
    assert len(shards_of_epoch(NumberRecipe(shards=2, epoch_shards=5), 0, 1)) == 5


def test_noise_is_on_half_of_the_strips(tmp_path):
    """It is drawn again in every epoch, and the same for the same seed."""
    write_shard(tmp_path, 0, bar_strips(200))
    recipe = NumberRecipe(shards=1, epoch_shards=1, batch_size=8, noise=0.5)

    def noisy(epoch: int) -> list[bool]:
        _, batches = epoch_batches(tmp_path, recipe, 0, epoch)
        return [bool(strip[0, :, :8].any()) for batch in batches for strip in batch.strips]

    assert 60 < sum(noisy(1)) < 140
    assert noisy(1) == noisy(1)
    assert noisy(1) != noisy(2)


def test_shards_depend_on_their_seed_alone(tmp_path):
    """Processes write the bytes that this process makes, and only shards that are missing."""
    composition = Composition(HANDWRITING, strips=9, seed=3, purpose="training")
    said: list[tuple[int, int]] = []
    compose_shards(tmp_path, composition, 1)
    before = shard_path(tmp_path, 0).stat().st_mtime_ns
    compose_shards(
        tmp_path, composition, 3, ProcessExecutor(2), lambda done, of: said.append((done, of))
    )
    assert shard_path(tmp_path, 0).stat().st_mtime_ns == before
    assert said == [(2, 3), (3, 3)]
    contents = [shard_path(tmp_path, number).read_bytes() for number in range(3)]
    assert contents == [compose_shard(composition, number) for number in range(3)]
    assert len(set(contents)) == 3
    other = dataclasses.replace(composition, purpose="validation")
    assert compose_shard(other, 0) != contents[0]
    strips = load_shard(shard_path(tmp_path, 0))
    assert len(strips) == 9
    assert all(image.shape[0] == 40 and image.shape[1] >= 12 for image in strips.images)
    assert set("".join(strips.texts)) <= set(ALPHABET)


def test_strips_that_cannot_be_learned_are_left_out(tmp_path):
    """Long strips, and those with more characters than frames, equal neighbours counted twice."""
    wide, narrow = np.zeros((40, 641), np.uint8), np.zeros((40, 12), np.uint8)  # 7 frames
    strips = LabelledStrips([wide, narrow, narrow, narrow], ["1", "1234567", "12345678", "1123456"])
    write_shard(tmp_path, 0, strips)
    assert load_training_shards(tmp_path, [0]).texts == ["1234567"]


def test_a_damaged_shard_is_named(tmp_path):
    """The message says how to get it back."""
    shard_path(tmp_path, 0).write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(
        ValueError, match=r"0000.npz cannot be read .* Delete it, and make it again"
    ):
        load_shard(shard_path(tmp_path, 0))


def test_no_writer_and_no_image_is_on_both_sides():
    """Drawn strokes differ, and the last twelfth of the images is left out."""
    hands = load_hands(resolve_number_recipe({"strokes": "drawn", "rasters": "synthetic=1"}))
    (one, _), (other, _) = hands.training.rasters[0], hands.left_out.rasters[0]
    assert len(other.digits) == (len(one.digits) + len(other.digits)) // 12
    kept = {image.tobytes() for image in one.digits.images}
    assert not any(image.tobytes() in kept for image in other.digits.images)
    points = hands.training.strokes.digits.points, hands.left_out.strokes.digits.points
    assert points[0].shape != points[1].shape or (points[0] != points[1]).any()


def test_the_fingerprint_is_that_of_the_sources(tmp_path):
    """Other images give another fingerprint, the same ones the same."""
    prints = []
    for seed in (0, 0, 1):
        rng = np.random.default_rng(seed)
        digits = Digits(rng.integers(0, 255, (24, 28, 28), np.uint8), np.arange(24) % 10, "made up")
        np.savez(tmp_path / "made.npz", images=digits.images, labels=digits.labels)
        keys = {"strokes": "drawn", "rasters": f"{tmp_path / 'made.npz'}=1"}
        prints.append(load_hands(resolve_number_recipe(keys)).fingerprint)
    assert prints[0] == prints[1] != prints[2]


def test_sources_are_attributed():
    """An exported file names origin and licence of what trained it."""
    found = attributions(NumberRecipe(strokes="unipen", rasters="mnist=0.9, own.npz=0.1"))
    assert ["CC BY 4.0" in found[0], "CC BY-SA 3.0" in found[1]] == [True, True]
    assert found[2] == "own.npz, licence not known"


@pytest.mark.parametrize(("one", "other", "distance"), [
    ("kitten", "sitting", 3), ("", "123", 3), ("12.50", "1250", 1), ("12", "12", 0), ("ab", "ba", 2),
])  # fmt: skip
def test_edit_distances_are_the_published_ones(one, other, distance):
    """Insertions, deletions and replacements count one each, in both directions."""
    assert edit_distance(one, other) == edit_distance(other, one) == distance


def test_the_best_path_drops_repetitions_and_blanks():
    """Equal neighbours are one character unless a blank parts them; later frames are not read."""
    path = [1, 1, BLANK, 1, 2, 2, BLANK, BLANK, 3]
    logits = torch.nn.functional.one_hot(torch.tensor([path]), BLANK + 1).float()
    assert read_best_path(logits, torch.tensor([9])) == ["1123"]
    assert read_best_path(logits, torch.tensor([8])) == ["112"]


def test_all_faults_of_a_number_recipe_are_named():
    """Unknown keys and impossible values are reported together."""
    with pytest.raises(ValueError, match="unknown recipe key 'epoch'") as error:
        resolve_number_recipe({"epoch": 3, "shards": 0, "strokes": "quill", "rasters": "mnist"})
    for text in ("`shards` must be", "`strokes` must be one of", "`rasters` must be source=share"):
        assert text in str(error.value)
    assert resolve_number_recipe({"optimiser": "muon"}).momentum == 0.95
    assert parse_rasters("") == {}
    assert parse_rasters("mnist=0.8, a=b.npz=0.2") == {"mnist": 0.8, "a=b.npz": 0.2}

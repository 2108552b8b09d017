"""Validation of a network that reads numbers: its loss, and the texts of its most probable path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inkfast.inference.numbers import ALPHABET
from inkfast.training import hardware
from inkfast.training.number_batches import BLANK, StripBatch
from inkfast.training.number_shards import LabelledStrips

_BATCH_SIZE = 32


@dataclass(frozen=True)
class NumberScores:
    """How well a network reads labelled strips.

    Attributes:
        loss: Mean loss of CTC, in nats per character.
        accuracy: Share of strips whose text is exactly right, in [0, 1].
        character_error: Edits that turn the texts read into the right ones, divided by the number
            of characters of the right ones.
    """

    loss: float
    accuracy: float
    character_error: float


def ctc_loss(logits: Tensor, batch: StripBatch) -> Tensor:
    """Return the mean over strips of the loss per character, from logits ``(n, frames, k)``."""
    return F.ctc_loss(
        logits.float().log_softmax(2).transpose(0, 1),
        batch.codes, batch.frames, batch.lengths, blank=BLANK, zero_infinity=True,
    )  # fmt: skip


@torch.no_grad()
def score_network(
    model: nn.Module, strips: LabelledStrips, device: torch.device, precision: str
) -> NumberScores:
    """Return the scores of a network, which is set to evaluation mode meanwhile."""
    was_training = model.training
    model.eval()
    order = sorted(range(len(strips)), key=lambda row: strips.images[row].shape[1])
    total, right, edits, characters = 0.0, 0, 0, 0
    for start in range(0, len(order), _BATCH_SIZE):
        rows = order[start : start + _BATCH_SIZE]
        texts = [strips.texts[row] for row in rows]
        batch = StripBatch.of([strips.images[row] for row in rows], texts).to(device)
        with hardware.autocast(device, precision):
            logits = model(batch.strips)
        total += float(ctc_loss(logits, batch)) * len(rows)
        found = read_best_path(logits, batch.frames)
        right += sum(one == other for one, other in zip(found, texts, strict=True))
        edits += sum(edit_distance(one, other) for one, other in zip(found, texts, strict=True))
        characters += sum(map(len, texts))
    model.train(was_training)
    return NumberScores(total / len(order), right / len(order), edits / max(characters, 1))


def read_best_path(logits: Tensor, frames: Tensor) -> list[str]:
    """Return the text of the most probable path of each strip: repetitions and blanks removed.

    Args:
        logits: ``(n, frames, k)``.
        frames: int64 ``(n,)``: number of frames of each strip.
    """
    paths = logits.argmax(2).tolist()
    return [
        "".join(
            ALPHABET[code]
            for code, before in zip(path[:count], [BLANK, *path], strict=False)
            if code not in (before, BLANK)
        )
        for path, count in zip(paths, frames.tolist(), strict=True)
    ]


def edit_distance(one: Sequence[str], other: Sequence[str]) -> int:
    """Return the least number of insertions, deletions and replacements between two texts.

    Source: Wagner and Fischer (1974), The String-to-String Correction Problem.
    """
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        diagonal, row[0] = row[0], i
        for j, b in enumerate(other, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (a != b))
    return row[-1]

"""The findings of an exploration as sentences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from inkfast.core.digits import Labels
from inkfast.exploration.duplicates import MAX_PAIRS, NEAR_CORRELATION
from inkfast.exploration.exploration import Exploration

NOTABLE_SHIFT = 0.2  # standard deviations between the means of train and test that are reported


@dataclass(frozen=True)
class Finding:
    """A finding in one or two sentences.

    Attributes:
        text: The sentences.
        attention: Whether something is wrong with the digits.
        advice: Whether the text recommends an action.
    """

    text: str
    attention: bool = False
    advice: bool = False


def headline(found: Exploration) -> str:
    """Return one sentence: what the digits are, and whether something is wrong with them."""
    n = f"{len(found.train):,}"
    what = (
        f"{n} digits" if found.test is None else f"{n} training and {len(found.test):,} test digits"
    )
    worries = sum(finding.attention for finding in findings(found))
    if not worries:
        return f"{found.survey.source.name}: {what}, no problem found."
    things = "one problem" if worries == 1 else f"{worries} problems"
    return f"{found.survey.source.name}: {what}, {things} to look at before training."


def findings(found: Exploration) -> list[Finding]:
    """Return the findings in the order of the page."""
    return [
        *_class_findings(found),
        *_file_findings(found),
        *_blank_findings(found),
        *_exact_copy_findings(found),
        *_near_copy_findings(found),
        *_overlap_findings(found),
        *_structure_findings(found),
        *_label_findings(found),
    ]


def _class_findings(found: Exploration) -> list[Finding]:
    if found.imbalance is None:
        text = "There are no labels: only what needs none was analysed."
        return [Finding(text)]
    return [Finding(found.imbalance.verdict(), attention=not found.imbalance.even)]


def _file_findings(found: Exploration) -> list[Finding]:
    unreadable = found.survey.unreadable
    if unreadable:
        more = f", and {len(unreadable) - 1:,} more" if len(unreadable) > 1 else ""
        text = f"{_count(len(unreadable), 'image')} could not be read: {unreadable[0]}{more}"
        return [Finding(text, attention=True)]
    if found.survey.files:
        n = sum(found.survey.sizes.values())
        return [Finding(f"All {n:,} image files could be read.")]
    return []


def _blank_findings(found: Exploration) -> list[Finding]:
    n = sum(map(len, found.constant.values()))
    if not n:
        return [Finding("No image is blank.")]
    text = f"{_count(n, 'image')} {_be(n)} blank, with one value everywhere: remove them."
    return [Finding(text, attention=True)]


def _exact_copy_findings(found: Exploration) -> list[Finding]:
    groups = found.copies.exact
    extra = sum(len(group) - 1 for group in groups)
    if not extra:
        return [Finding("No image occurs twice.")]
    text = f"{_count(extra, 'image')} {_be(extra)} an exact copy of another."
    if found.train.labels is not None and (found.test is None or found.test.labels is not None):
        clashes = found.copies.contradictions(_all_labels(found))
        if clashes:
            where = _count(len(clashes), "group")
            text += f" In {where} of copies the labels contradict each other."
    return [Finding(text, attention=True)]


def _near_copy_findings(found: Exploration) -> list[Finding]:
    n = len(found.copies.near)
    bound = f"pixels that correlate by {NEAR_CORRELATION} or more"
    if not n:
        return [Finding(f"No two images are near copies ({bound}).")]
    count = f"More than {MAX_PAIRS:,}" if not found.copies.complete else f"{n:,}"
    pairs = "pair of images is a near copy" if n == 1 else "pairs of images are near copies"
    return [Finding(f"{count} {pairs} ({bound}).", attention=True)]


def _overlap_findings(found: Exploration) -> list[Finding]:
    copies = found.copies
    if found.test is not None:
        leaked = copies.leaked()
        if leaked:
            text = (
                f"{_count(leaked, 'test digit')} {_be(leaked)} among the training digits too, "
                "exactly or nearly: test scores will be too high. Remove them from one part."
            )
            return [Finding(text, attention=True)]
        return [Finding("No test digit is among the training digits, exactly or nearly.")]
    if len(copies.near):
        text = (
            "These digits have no test part. When one is cut at random, near copies may fall on "
            "both sides of the cut: remove them first."
        )
        return [Finding(text, advice=True)]
    return []


def _structure_findings(found: Exploration) -> list[Finding]:
    out = []
    if found.components and found.test is not None:
        gap = found.components.shift(found.train.images, found.test.images)
        if gap > NOTABLE_SHIFT:
            text = (
                f"Test digits are distributed differently from training digits: the means are "
                f"{gap:.2f} standard deviations apart along one principal component."
            )
            out.append(Finding(text, attention=len(found.test) >= 100))
    if found.clusters and found.clusters.purity is not None:
        text = (
            f"k-means without labels puts {found.clusters.purity:.0%} of the digits into clusters "
            f"of their class (adjusted Rand index {found.clusters.adjusted_rand:.2f})."
        )
        out.append(Finding(text))
    return out


def _label_findings(found: Exploration) -> list[Finding]:
    suspects = found.suspects
    if suspects is None:
        if found.train.labels is None:
            return []
        text = "Labels were not checked: add --labels to search for label errors."
        return [Finding(text, advice=True)]
    flagged = int(suspects.flagged.sum())
    start = (
        f"Out-of-fold predictions agree with the label for {suspects.accuracy:.2%} of the digits; "
    )
    if not flagged:
        return [Finding(start + "no label looks wrong.")]
    looks = "label looks" if flagged == 1 else "labels look"
    known = suspects.known_found(found.test)
    out = [Finding(f"{start}{flagged:,} {looks} suspicious.", attention=True)]
    if known is not None:
        text = (
            f"Of the 15 test labels of MNIST that are known to be wrong or unclear, {known} are "
            "among the first 100 suspects of the test part."
        )
        out.append(Finding(text))
    return out


def _all_labels(found: Exploration) -> Labels:
    return np.concatenate([digits.known_labels for digits in found.parts.values()])


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def _be(n: int) -> str:
    return "is" if n == 1 else "are"

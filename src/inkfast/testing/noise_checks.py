"""The contract of corruptions and of chains of them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from inkfast.core.random import make_generator
from inkfast.core.registry import parse_spec
from inkfast.noise import Chain, Noise, build_noise
from inkfast.testing.expect import expect, expect_refusal

_N = 40


def noise_images() -> Tensor:
    """Return 40 smooth random images that reach the border, float32 ``(40, 28, 28)`` in [0, 1]."""
    field = torch.rand(_N, 1, 7, 7, generator=make_generator(1, "test"))
    return interpolate(field, (28, 28), mode="bicubic").clamp(0, 1)[:, 0]


def check_noise(noise: str | type[Noise]) -> None:
    """Check that a corruption, or each corruption of a chain, fulfils the contract.

    Args:
        noise: Spec such as ``"rotate(degrees=30) + fog"``, or a subclass of `Noise` whose
            parameters all have defaults. The class need not be registered.

    Raises:
        AssertionError: If it does not; the message says which part of the contract is broken.
    """
    chain = build_noise(noise) if isinstance(noise, str) else Chain((noise(),), noise.name)
    for check_chain in CHAIN_CHECKS:
        check_chain(chain, noise_images())
    for cls in {type(link) for link in chain}:
        for check_class in CLASS_CHECKS:
            check_class(cls, noise_images())


def keeps_shape_and_range(chain: Chain, images: Tensor) -> None:
    """Shape and dtype stay, and all values are finite and in [0, 1]."""
    out = chain(images, make_generator(0))
    expect(out.shape == images.shape, f"{chain}: expected {images.shape}, got {out.shape}.")
    expect(out.dtype == torch.float32, f"{chain}: expected float32, got {out.dtype}.")
    inside = torch.isfinite(out).all() and out.min() >= 0 and out.max() <= 1
    expect(inside, f"{chain}: expected values in [0, 1], got {out.min()} to {out.max()}.")


def leaves_input_unchanged(chain: Chain, images: Tensor) -> None:
    """The result is a new tensor, and the input is not written to."""
    before = images.clone()
    out = chain(images, make_generator(0))
    expect(torch.equal(images, before), f"{chain}: `apply` must not change its input.")
    expect(out.data_ptr() != images.data_ptr(), f"{chain}: `apply` must return a new tensor.")


def depends_on_the_seed_alone(chain: Chain, images: Tensor) -> None:
    """One seed gives equal images; another seed gives others, unless nothing is random."""
    first, again, other = (chain(images, make_generator(seed)) for seed in (3, 3, 4))
    expect(torch.equal(first, again), f"{chain}: the same seed must give the same images.")
    drawn = [value for params in chain.sample(_N, make_generator(0)) for value in params.values()]
    random = any(bool((value != value[:1]).any()) for value in drawn)
    expect(
        torch.equal(first, other) != random,
        f"{chain}: another seed must give other images if and only if `sample` draws numbers.",
    )


def ignores_the_batch(chain: Chain, images: Tensor) -> None:
    """With parameters drawn once, an image becomes the same alone as in a batch."""
    params = chain.sample(len(images), make_generator(0))
    together = chain.apply(images, params)
    rows = [
        chain.apply(images[i : i + 1], [{k: v[i : i + 1] for k, v in p.items()} for p in params])
        for i in range(len(images))
    ]
    off = float((together - torch.cat(rows)).abs().max())
    expect(off <= 1e-5, f"{chain}: an image must not depend on its batch, but it is off by {off}.")


def neutral_strength_changes_nothing(cls: type[Noise], images: Tensor) -> None:
    """At the strength that the class declares neutral, images stay as they are."""
    still = cls().at(cls.neutral)
    off = float((still.apply(images, still.sample(_N, make_generator(0))) - images).abs().max())
    expect(
        off <= cls.neutral_tolerance,
        f"{still}: images must stay as they are at neutral strength, but are off by {off}.",
    )


def greater_strength_changes_more(cls: type[Noise], images: Tensor) -> None:
    """Each of the five declared strengths changes images more than the one before."""
    expect(
        len(cls.strengths) == 5, f"{cls.name}: expected five strengths, got {len(cls.strengths)}."
    )
    links = [cls().at(strength) for strength in cls.strengths]
    far = [
        float((link.apply(images, link.sample(_N, make_generator(0))) - images).abs().mean())
        for link in links
    ]
    expect(
        far == sorted(far) and far[0] > 0,
        f"{cls.name}: each of `strengths` must change images more, but the mean changes are {far}.",
    )


def is_written_as_it_is_read(cls: type[Noise], images: Tensor) -> None:
    """The spec of a corruption builds an equal one."""
    changed = cls().at(cls.strengths[1])
    name, parameters = parse_spec(str(changed))
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in parameters.items()}
    same = name == cls.name and cls(**values) == changed
    expect(same, f"{cls.name}: the spec {str(changed)!r} must build an equal corruption.")


def impossible_strength_is_refused(cls: type[Noise], images: Tensor) -> None:
    """Text instead of a number, or a number far out of range, is refused in one sentence."""
    field = cls.strength
    text, low = (lambda: cls(**{field: "much"})), (lambda: cls(**{field: -1000.0}))
    expect_refusal(text, f"`{field}` must be ", f"{cls.name}({field}='much')")
    expect_refusal(text, "got 'much'", f"{cls.name}({field}='much')")
    expect_refusal(low, "must be", f"{cls.name}({field}=-1000.0)")


CHAIN_CHECKS = (
    keeps_shape_and_range, leaves_input_unchanged, depends_on_the_seed_alone, ignores_the_batch,
)  # fmt: skip
CLASS_CHECKS = (
    neutral_strength_changes_nothing, greater_strength_changes_more, is_written_as_it_is_read,
    impossible_strength_is_refused,
)  # fmt: skip

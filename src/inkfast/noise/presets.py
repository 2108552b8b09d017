"""Chains with a name: the noise of published data sets, stated exactly."""

from __future__ import annotations

# noisy-mnist: the four Keras layers of the noisy-mnist repository, each with a resampling of its
# own: RandomRotation(0.2) is +-72 degrees, RandomTranslation(0.2, 0.2) is +-5.6 pixels,
# RandomZoom((0.2, 0.2)) always samples 1.2 times as far apart, RandomBrightness adds +-0.2.
#
# image-data-generator: Keras' ImageDataGenerator(rotation_range=15, width_shift_range=0.1,
# height_shift_range=0.1, zoom_range=0.1, brightness_range=(0.8, 1.2)); for other ranges write the
# chain out.
#
# n-mnist-*: Basu et al. (2017), Learning Sparse Feature Representations using Probabilistic
# Quadtrees and Deep Belief Nets.
PRESETS = {
    "noisy-mnist": (
        "rotate(degrees=72, fill='reflect') + translate(pixels=5.6, fill='reflect')"
        " + zoom(factor=0.8333333333333334, fill='reflect') + brightness(delta=0.2)"
    ),
    "image-data-generator": (
        "affine(degrees=15, shift=0.1, zoom=0.1, fill='nearest') + gain(factor=[0.8, 1.2])"
    ),
    "n-mnist-awgn": f"gaussian(sigma={10 ** (-9.5 / 20)})",
    "n-mnist-motion-blur": "motion-blur(length=5, angle=[15, 15], fill='nearest')",
    "n-mnist-contrast-awgn": (
        f"contrast(factor=0.5, pivot=0.0) + gaussian(sigma={10 ** (-12 / 20)})"
    ),
}

_AWGN = (
    "Read as MATLAB's awgn default (signal at 0 dBW): sigma = 10^(-SNR/20). That the authors used "
    "it is not verified"
)
# What a reader of a figure must know about a preset.
NOTES = {
    "n-mnist-awgn": f"{_AWGN}.",
    "n-mnist-contrast-awgn": f"{_AWGN}, nor that contrast was halved towards black.",
}

# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 1. Explore the digits
#
# Before training a network, look at its data. This notebook shows handwritten digits, what noise
# does to them, and why a simple classifier fails once they are noisy. It runs in well under a
# minute.

# %%
# Installs inkfast from the copy that contains this notebook, unless it is installed already.
import importlib.util
from pathlib import Path

if importlib.util.find_spec("inkfast") is None:
    if not Path("../pyproject.toml").exists():
        raise SystemExit("inkfast is missing: run this in the folder `notebooks` of your copy.")
    # %pip install --quiet --constraint ../constraints.txt "..[train]"
    if importlib.util.find_spec("inkfast") is None:
        raise SystemExit("inkfast could not be installed: see what pip says above.")

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from inkfast import data

DATA = "embedded"  # "mnist" uses MNIST, after `inkfast data fetch`

digits = data.load(DATA).train
print(f"{len(digits):,} digits from {digits.name!r}, each {digits.images[0].shape} pixels")
print(
    f"a pixel is an integer from {digits.images.min()} (paper) to {digits.images.max()} (full ink)"
)

# %% [markdown]
# ## Handwriting
#
# One row per class. Which of them would you hesitate over?

# %%
from inkfast.report.image_sheets import image_sheet

labels = digits.known_labels
plt.figure(figsize=(8, 5.4), layout="constrained")
plt.imshow(image_sheet([digits.images[labels == digit][:15] for digit in range(10)]), cmap="gray")
plt.axis("off")
plt.show()

# %% [markdown]
# ## Are the classes balanced?
#
# If 90 % of the digits were a 1, a classifier that always answers 1 would be 90 % accurate without
# having learnt anything.

# %%
counts = digits.class_counts()
plt.figure(figsize=(6, 2.4), layout="constrained")
plt.bar(range(10), counts)
plt.xticks(range(10))
plt.ylabel("digits")
print(f"the rarest class has {min(counts)} digits, the most frequent one {max(counts)}")
plt.show()

# %% [markdown]
# The classes are nearly balanced, so accuracy is a fair metric here.
#
# ## Noise
#
# Real digits are rotated, off centre, too small or too dark. `noisy-mnist` is a published
# combination: it rotates a digit by up to 72 degrees, shifts it by up to 5.6 pixels, shrinks it and
# changes its brightness. The top row shows clean digits, the rows below three random draws.

# %%
from IPython.display import Image

from inkfast.report import noise_figure

path = Path("runs/noisy-mnist.png")
noise_figure.write_noise_figure("noisy-mnist", digits, path)
Image(path, width=640)

# %% [markdown]
# inkfast has many more corruptions. Each row shows one of them with increasing strength, starting
# with the clean digit; the values stand beside its name.

# %%
from inkfast import noise

one = digits.pick(np.flatnonzero(labels == 5)[:1], "a five")
rows, names = [], []
for kind in noise.NOISES:
    links = [kind().at(strength) for strength in (kind.neutral, *kind.strengths)]
    chains = [noise.Chain((link,), kind.name) for link in links]
    rows.append([noise.noisy(one, chain, seed=0).images[0] for chain in chains])
    names.append(f"{kind.name}: {kind.strength} {', '.join(f'{s:g}' for s in kind.strengths)}")

plt.figure(figsize=(8, 10), layout="constrained")
plt.imshow(image_sheet(rows), cmap="gray")
plt.yticks(14 + 30 * np.arange(len(names)), names)
plt.xticks([])
plt.show()

# %% [markdown]
# ## The average digit
#
# The mean image of all zeros, of all ones, and so on. The means of clean digits have a clear shape.
# The means of noisy digits are blurred, because the ink of a 4 is no longer in one place.

# %%
corrupted = noise.noisy(digits, noise.build_noise("noisy-mnist"), seed=0)


def average(some):
    """Return the mean image of each of the ten digits."""
    return [some.images[some.known_labels == digit].mean(axis=0) for digit in range(10)]


plt.figure(figsize=(8, 1.8), layout="constrained")
plt.imshow(image_sheet([average(digits), average(corrupted)]), cmap="gray")
plt.yticks([14, 44], ["clean", "noisy"])
plt.xticks([])
plt.show()

# %% [markdown]
# These ten images already make a classifier, the nearest class mean: predict the class whose mean
# is closest to the digit. We compute the means on 80 % of the digits and test on the other 20 %.

# %%
from sklearn.model_selection import train_test_split

split = {"test_size": 0.2, "stratify": labels, "random_state": 0}
train_rows, test_rows = train_test_split(np.arange(len(labels)), **split)
read = {}
for name, some in {"clean": digits, "noisy": corrupted}.items():
    averages = np.stack(average(some.pick(train_rows, name)))
    distances = ((some.images[test_rows, None] - averages) ** 2).sum(axis=(2, 3))
    read[name] = (distances.argmin(axis=1) == labels[test_rows]).mean()
    print(f"{name}: {read[name]:.0%} of {len(test_rows):,} digits are right; guessing gives 10%")

# %% [markdown]
# This is a decent classifier for clean digits. It fails under noise, because it compares pixel by
# pixel and noise moves the ink to other pixels.
#
# ## A map of the digits
#
# A digit is a vector of 784 numbers. PCA finds the two directions with the largest variance and
# projects the digits onto them: each dot is a digit, its colour is its class, and each number marks
# the centre of its class.

# %%
from sklearn.decomposition import PCA

figure, panels = plt.subplots(1, 2, figsize=(9, 4.4), layout="constrained")
for axes, (name, some) in zip(panels, {"clean": digits, "noisy": corrupted}.items()):
    chosen = np.random.default_rng(0).permutation(len(some))[:1500]
    where = PCA(2, random_state=0).fit_transform(some.images[chosen].reshape(len(chosen), -1))
    axes.scatter(*where.T, c=labels[chosen], cmap="tab10", s=7, alpha=0.6)
    for digit in range(10):
        middle = where[labels[chosen] == digit].mean(axis=0)
        frame = {
            "boxstyle": "circle,pad=0.1",
            "facecolor": "white",
            "edgecolor": "none",
            "alpha": 0.7,
        }
        axes.text(*middle, str(digit), ha="center", va="center", weight="bold", bbox=frame)
    axes.set(title=name, xticks=[], yticks=[])
plt.show()

# %% [markdown]
# Clean digits form clusters, and even two dimensions separate 0, 4 and 6. Under noise the clusters
# overlap. A better classifier has to recognise shapes instead of pixels; the next notebook,
# `2-compare-under-noise`, compares two networks.
#
# ## What to try next
#
# - Set `DATA = "mnist"` after `inkfast data fetch` and run everything again on 60,000 digits.
# - Replace `"noisy-mnist"` by another chain, such as `"rotate(degrees=15) + blur(sigma=1)"`. How
#   much noise can the class means stand? `inkfast noise list` names all corruptions.
# - Which digits does the classifier confuse? Try `sklearn.metrics.confusion_matrix`.
#
# `inkfast explore` writes a full report of this kind for any digits, including your own.

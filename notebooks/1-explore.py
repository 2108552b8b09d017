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
# # 1. Look at the digits first
#
# Before a network learns anything, look at what it will be given. This notebook shows handwritten
# digits, what noise does to them, and why a simple way of reading them fails once they are noisy.
# It runs in well under a minute.

# %%
# Installs inkfast from the copy that this notebook lies in; does nothing where it is installed.
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

DATA = "embedded"  # "mnist" is the real thing, after `inkfast data fetch`

digits = data.load(DATA).train
print(f"{len(digits):,} digits from {digits.name!r}, each {digits.images[0].shape} pixels")
print(
    f"a pixel is a whole number from {digits.images.min()} (paper) to {digits.images.max()} (ink)"
)

# %% [markdown]
# ## What people write
#
# One row for each digit. Look for the ones you would hesitate over yourself.

# %%
from inkfast.report.image_sheets import sheet

labels = digits.known_labels
plt.figure(figsize=(8, 5.4), layout="constrained")
plt.imshow(sheet([digits.images[labels == digit][:15] for digit in range(10)]), cmap="gray")
plt.axis("off")
plt.show()

# %% [markdown]
# ## Are there equally many of each?
#
# It matters: where nine digits in ten are a 1, "always say 1" is right nine times in ten and has
# learnt nothing.

# %%
counts = digits.class_counts()
plt.figure(figsize=(6, 2.4), layout="constrained")
plt.bar(range(10), counts)
plt.xticks(range(10))
plt.ylabel("digits")
print(f"the rarest digit occurs {min(counts)} times, the commonest {max(counts)} times")
plt.show()

# %% [markdown]
# Nearly even, so plain accuracy is a fair measure here.
#
# ## Noise
#
# Digits from the world are turned, off centre, too small, too dark. `noisy-mnist` is a published
# mix of these: it turns a digit by up to 72 degrees, shifts it by up to 5.6 pixels, shrinks it and
# changes its brightness. On top the clean digits, below them three throws of the dice.

# %%
from IPython.display import Image

from inkfast.report import noise_figure

picture = Path("runs/noisy-mnist.png")
noise_figure.write_noise_figure("noisy-mnist", digits, picture)
Image(picture, width=640)

# %% [markdown]
# inkfast has more ways to spoil a digit. Each row is one, from untouched on the left to strong on
# the right, with the strengths beside its name.

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
plt.imshow(sheet(rows), cmap="gray")
plt.yticks(14 + 30 * np.arange(len(names)), names)
plt.xticks([])
plt.show()

# %% [markdown]
# ## The average digit
#
# Lay all zeros on top of each other, all ones, and so on. Clean digits leave a clear shape. Noisy
# ones leave a cloud: there is no longer one place where the ink of a 4 is.

# %%
spoilt = noise.noisy(digits, noise.build_noise("noisy-mnist"), seed=0)


def average(some):
    """Return the mean image of each of the ten digits."""
    return [some.images[some.known_labels == digit].mean(axis=0) for digit in range(10)]


plt.figure(figsize=(8, 1.8), layout="constrained")
plt.imshow(sheet([average(digits), average(spoilt)]), cmap="gray")
plt.yticks([14, 44], ["clean", "noisy"])
plt.xticks([])
plt.show()

# %% [markdown]
# These ten pictures already make a reader: answer with the average that a digit is most like. We
# make the averages from four fifths of the digits and read the last fifth.

# %%
shown, kept_back = data.stratified_split(labels, 0.2, seed=0)
read = {}
for name, some in {"clean": digits, "noisy": spoilt}.items():
    averages = np.stack(average(some.pick(shown, name)))
    unlike = ((some.images[kept_back, None] - averages) ** 2).sum(axis=(2, 3))
    read[name] = (unlike.argmin(axis=1) == labels[kept_back]).mean()
    print(f"{name}: {read[name]:.0%} of {len(kept_back):,} digits read right; guessing gives 10%")

# %% [markdown]
# On clean digits that is a decent reader. Noise breaks it, because it compares pixel with pixel,
# and noise moves the ink to other pixels.
#
# ## The same, seen from far away
#
# A digit is 784 numbers. PCA finds the two directions in which the digits differ most, and makes a
# map: each dot is a digit, its colour says which, and the figures stand at the middle of theirs.

# %%
from sklearn.decomposition import PCA

figure, panels = plt.subplots(1, 2, figsize=(9, 4.4), layout="constrained")
for axes, (name, some) in zip(panels, {"clean": digits, "noisy": spoilt}.items()):
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
# Clean digits gather in clouds, and even this flat map keeps 0, 4 and 6 apart. Under noise all ten
# lie on one heap. Something has to look at shapes rather than pixels. Which network can, the next
# notebook finds out: `2-compare-under-noise`.
#
# ## What to try next
#
# - Set `DATA = "mnist"` after `inkfast data fetch`, and run everything again on 60,000 digits.
# - Put another chain in place of `"noisy-mnist"`, such as `"rotate(degrees=15) + blur(sigma=1)"`,
#   and see how much the averages can bear. `inkfast noise list` names them all.
# - Which digit does the average reader lose most? `sklearn.metrics.confusion_matrix` tells.
#
# `inkfast explore` makes a full page of this for any digits, yours too.

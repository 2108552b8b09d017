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
# # 3. Your own digits
#
# You have pictures of digits: scans, crops, photographs of single figures. This notebook trains a
# network to read them. It makes a small folder of example pictures first, so that it runs as it
# stands; then put the path of your own folder in its place. It takes about half a minute.

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

# %% [markdown]
# ## A folder of pictures
#
# One subfolder for each digit, named `0` to `9`, with PNG, JPEG, WebP, BMP, GIF or TIFF files in
# it. The names of the files do not matter. Our examples are dark ink on light paper, in many sizes.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from inkfast.estimator import DigitClassifier
from inkfast import data

EXAMPLE = Path("example-digits")
EACH = 30  # pictures of each digit

rng = np.random.default_rng(0)
scans = data.load("embedded").train
for digit in range(10):
    (EXAMPLE / str(digit)).mkdir(parents=True, exist_ok=True)
    for number, scan in enumerate(scans.images[scans.known_labels == digit][:EACH]):
        width, height = rng.integers(36, 90, 2)
        kind = "jpg" if number % 2 else "png"
        picture = Image.fromarray(255 - scan).resize((int(width), int(height)))
        picture.save(EXAMPLE / str(digit) / f"{number}.{kind}")
print(f"{10 * EACH} pictures in {EXAMPLE}/0 to {EXAMPLE}/9")

# %%
FOLDER = "example-digits"  # put the path of your own folder here

digits = data.load(FOLDER).train
labels = digits.known_labels
print(f"{len(digits):,} pictures; of each digit: {digits.class_counts()}")

# %% [markdown]
# Networks want all digits alike, so inkfast brings each picture to the form of MNIST: 28x28 pixels,
# bright ink on dark, the digit centred. Check this first. Above a picture as it is in the folder,
# below what the network will see. If a row looks wrong to you, a network will not read it either.

# %%
from inkfast.imaging.opening import SUFFIXES
from inkfast.data.image_folder import read_picture

figure, panels = plt.subplots(2, 10, figsize=(10, 2.6), layout="constrained")
for digit, (above, below) in enumerate(panels.T):
    files = [f for f in sorted(Path(FOLDER, str(digit)).glob("*")) if f.suffix.lower() in SUFFIXES]
    for axes in (above, below):
        axes.axis("off")
    if files:
        picture = Image.open(files[0]).convert("L")
        above.imshow(picture, cmap="gray")
        above.set_title(f"{picture.width}x{picture.height}", fontsize=9)
        below.imshow(read_picture(files[0]), cmap="gray")
plt.show()

# %% [markdown]
# ## Train and read
#
# A quarter of the pictures is kept back: only pictures that the network has never seen can tell how
# well it will read the next ones. `noise` is what you expect of those; here, that they may be a
# little turned and off centre.

# %%
EPOCHS = 5
READER = {
    "model": "cnn(layers='C16(5)/2-C32-MP-C64-GMP')",  # small and quick; plain "cnn" is bigger
    "noise": "rotate(degrees=15) + translate(pixels=2)",
    "epochs": EPOCHS,
    "recipe": {"min_epoch_images": 2000, "batch_size": 50},
    "random_state": 0,
}

train_rows, test_rows = data.stratified_split(labels, 0.25, seed=0)
reader = DigitClassifier(**READER).fit(digits.images[train_rows], labels[train_rows])

probabilities = reader.predict_proba(digits.images[test_rows])
answers = reader.classes_[probabilities.argmax(axis=1)]
truth = labels[test_rows]
accuracy = (answers == truth).mean()
print(f"{accuracy:.0%} of {len(truth)} new pictures read right")

# %% [markdown]
# So few pictures leave room for luck. This is the range in which the true figure lies, 19 times out
# of 20:

# %%
from inkfast.evaluation import wilson_interval

low, high = wilson_interval(accuracy, len(truth))
print(f"between {low:.0%} and {high:.0%}")

# %% [markdown]
# ## How sure is it?
#
# A network gives each of the ten digits a probability. On the left the picture that it was surest
# of, then the two where it wavered most. On the right a picture that is no digit at all.

# %%
from PIL import ImageDraw

house = Image.new("L", (80, 80), "white")
ImageDraw.Draw(house).line([(20, 70), (20, 40), (40, 15), (60, 40), (60, 70), (20, 70)], "black", 5)
house.save(EXAMPLE / "house.png")
house = read_picture(EXAMPLE / "house.png")

order = np.argsort(probabilities.max(axis=1))
shown = {"surest": order[-1], "wavering": order[0], "wavering too": order[1]}
cards = {
    f"{name}: {answers[row]}, truly {truth[row]}": (
        digits.images[test_rows[row]],
        probabilities[row],
    )
    for name, row in shown.items()
}
cards["no digit"] = (house, reader.predict_proba(house[None])[0])

figure, panels = plt.subplots(
    2, 4, figsize=(10, 4), layout="constrained", sharey="row", height_ratios=[3, 2]
)
for (above, below), (title, (image, given)) in zip(panels.T, cards.items()):
    above.imshow(image, cmap="gray")
    above.set_title(title, fontsize=10)
    above.axis("off")
    below.bar(reader.classes_, given)
    below.set(xticks=range(10), ylim=(0, 1))
panels[1, 0].set_ylabel("probability")
plt.show()

# %% [markdown]
# Mind the last one. A network can only answer with a digit, so even a house gets one. A low
# probability is a reason to look for yourself; a high one is no proof that there was a digit.
#
# ## In scikit-learn
#
# `DigitClassifier` is a scikit-learn classifier like any other. Cross-validation trains it several
# times, each time keeping back other pictures, so that every picture is read once by a network that
# has not seen it. A pipeline puts a step of your own before it: here, faint specks are wiped away.

# %%
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer


def wiped(rows):
    """Return the pixels with everything fainter than a quarter of full ink set to paper."""
    return np.where(rows < 64, 0, rows)


rows = digits.images.reshape(len(digits), -1)
readers = {
    "logistic regression": LogisticRegression(max_iter=200),
    "DigitClassifier": DigitClassifier(**READER),
    "wiped, DigitClassifier": make_pipeline(FunctionTransformer(wiped), DigitClassifier(**READER)),
}
folds = {name: cross_val_score(each, rows, labels, cv=3) for name, each in readers.items()}
for name, shares in folds.items():
    print(f"{name}: {shares.mean():.1%} on average, folds {shares.min():.1%} to {shares.max():.1%}")

# %%
from IPython.display import HTML

from inkfast.evaluation import compare_folds
from inkfast.report import figures

order = sorted(folds, key=lambda name: -folds[name].mean())
by_fold = {name: {str(i): share for i, share in enumerate(folds[name])} for name in order}
comparisons = compare_folds(by_fold, order, share=1 / 2)  # a third read, two thirds trained on
for c in comparisons:
    verdict = "real" if c.real else "not shown to be real"
    print(f"{c.better} against {c.worse}: {100 * c.difference:.1f} points, {verdict}")

chart = figures.fold_dots({name: shares.tolist() for name, shares in folds.items()})
HTML(f"<div style='max-width: 32em'>{chart}</div>")

# %% [markdown]
# A dot is one fold, the line their mean. A test made for folds says whether a difference is real or
# may be luck. Three folds of so few pictures seldom show that a small one is; more pictures do.
#
# ## The same from the command line
#
# Everything is kept in a folder with a report, and `inkfast predict` reads new pictures with it.
#
# ```
# inkfast train cnn --data example-digits --noise "rotate(degrees=15)" --name mine
# inkfast validate --models mlp,cnn --data example-digits --folds 5 --name mine-folds
# inkfast predict example-digits --model runs/mine --to answers.csv
# ```
#
# ## What to try next
#
# - Your own folder in `FOLDER`. Thirty pictures of each digit are a start, a hundred are good.
# - More `EPOCHS`, and plain `"cnn"` for the model.
# - The noise that your pictures really have: `inkfast noise show blur` draws it at five strengths.
# - Which pictures are read wrong? Often their labels are, or two digits are in one picture.

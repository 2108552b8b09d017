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
# You have images of digits: scans, crops or photographs of single digits. This notebook trains a
# network to classify them. It first writes a small folder of example images, so that it runs as it
# is; replace it by your own folder. It takes about half a minute.

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

# %% [markdown]
# ## A folder of images
#
# One subfolder per class, named `0` to `9`, with PNG, JPEG, WebP, BMP, GIF or TIFF files. File
# names do not matter. The examples are dark ink on light paper, in many sizes.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from sklearn.model_selection import train_test_split

from inkfast import DigitClassifier, data

EXAMPLE = Path("example-digits")
EACH = 30  # images per class

rng = np.random.default_rng(0)
scans = data.load("embedded").train
for digit in range(10):
    (EXAMPLE / str(digit)).mkdir(parents=True, exist_ok=True)
    for number, scan in enumerate(scans.images[scans.known_labels == digit][:EACH]):
        width, height = rng.integers(36, 90, 2)
        kind = "jpg" if number % 2 else "png"
        image = Image.fromarray(255 - scan).resize((int(width), int(height)))
        image.save(EXAMPLE / str(digit) / f"{number}.{kind}")
print(f"{10 * EACH} images in {EXAMPLE}/0 to {EXAMPLE}/9")

# %%
FOLDER = "example-digits"  # put the path of your own folder here

digits = data.load(FOLDER).train
labels = digits.known_labels
print(f"{len(digits):,} images; per class: {digits.class_counts()}")

# %% [markdown]
# A network needs uniform input, so inkfast normalises each image to MNIST's frame: 28x28 pixels,
# bright ink on dark, the digit centred. Check this first. The top row shows images from the folder,
# the bottom row the input of the network. If a digit is unreadable to you here, it is to the
# network as well.

# %%
from inkfast.imaging.opening import IMAGE_SUFFIXES
from inkfast.data.image_folder import read_image

figure, panels = plt.subplots(2, 10, figsize=(10, 2.6), layout="constrained")
for digit, (above, below) in enumerate(panels.T):
    files = [
        f for f in sorted(Path(FOLDER, str(digit)).glob("*")) if f.suffix.lower() in IMAGE_SUFFIXES
    ]
    for axes in (above, below):
        axes.axis("off")
    if files:
        image = Image.open(files[0]).convert("L")
        above.imshow(image, cmap="gray")
        above.set_title(f"{image.width}x{image.height}", fontsize=9)
        below.imshow(read_image(files[0]), cmap="gray")
plt.show()

# %% [markdown]
# ## Train and test
#
# A quarter of the images is held out: only images that the network has not seen show how accurate
# it will be on new ones. `noise` describes what you expect of those; here, that they may be
# slightly rotated and off centre.

# %%
EPOCHS = 5
READER = {
    "model": "cnn(layers='C16(5)/2-C32-MP-C64-GMP')",  # small and fast; plain "cnn" is larger
    "noise": "rotate(degrees=15) + translate(pixels=2)",
    "epochs": EPOCHS,
    "recipe": {"min_epoch_images": 2000, "batch_size": 50},
    "random_state": 0,
}

split = {"test_size": 0.25, "stratify": labels, "random_state": 0}
train_rows, test_rows = train_test_split(np.arange(len(labels)), **split)
reader = DigitClassifier(**READER).fit(digits.images[train_rows], labels[train_rows])

probabilities = reader.predict_proba(digits.images[test_rows])
answers = reader.classes_[probabilities.argmax(axis=1)]
truth = labels[test_rows]
accuracy = (answers == truth).mean()
print(f"accuracy on {len(truth)} new images: {accuracy:.0%}")

# %% [markdown]
# On so few images the accuracy is uncertain. This is its 95 % confidence interval:

# %%
from inkfast.core.intervals import wilson_interval

low, high = wilson_interval(accuracy, len(truth))
print(f"between {low:.0%} and {high:.0%}")

# %% [markdown]
# ## Confidence
#
# A network returns a probability for each of the ten classes. On the left the image with the
# highest confidence, then the two with the lowest, and on the right an image that is not a digit.

# %%
from PIL import ImageDraw

house = Image.new("L", (80, 80), "white")
ImageDraw.Draw(house).line([(20, 70), (20, 40), (40, 15), (60, 40), (60, 70), (20, 70)], "black", 5)
house.save(EXAMPLE / "house.png")
house = read_image(EXAMPLE / "house.png")

order = np.argsort(probabilities.max(axis=1))
shown = {"most confident": order[-1], "least": order[0], "second least": order[1]}
cards = {
    f"{name}: {answers[row]} (label {truth[row]})": (
        digits.images[test_rows[row]],
        probabilities[row],
    )
    for name, row in shown.items()
}
cards["not a digit"] = (house, reader.predict_proba(house[None])[0])

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
# Note the last one. A network can only answer with a digit, so even a house gets one. A low
# probability is a reason to check the image; a high one does not prove that it shows a digit.
#
# ## In scikit-learn
#
# `DigitClassifier` is a scikit-learn classifier like any other. Cross-validation trains it several
# times and holds out different images each time, so that every image is tested once. A pipeline
# adds preprocessing of your own: here, faint pixels are set to zero.

# %%
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer


def threshold(rows):
    """Return the pixels, with values below 64 set to 0."""
    return np.where(rows < 64, 0, rows)


rows = digits.images.reshape(len(digits), -1)
readers = {
    "logistic regression": LogisticRegression(max_iter=200),
    "DigitClassifier": DigitClassifier(**READER),
    "threshold + DigitClassifier": make_pipeline(
        FunctionTransformer(threshold), DigitClassifier(**READER)
    ),
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
comparisons = compare_folds(by_fold, order, share=1 / 2)  # one third tested, two thirds trained on
for c in comparisons:
    verdict = "real" if c.real else "not shown to be real"
    print(f"{c.better} against {c.worse}: {100 * c.difference:.1f} points, {verdict}")

chart = figures.draw_fold_accuracy({name: shares.tolist() for name, shares in folds.items()})
HTML(f"<div style='max-width: 32em'>{chart}</div>")

# %% [markdown]
# Each dot is a fold, the line is their mean. The corrected resampled t-test accounts for
# overlapping training folds. Three folds of so few images rarely show that a small difference is
# real; more images help.
#
# ## The same on the command line
#
# Each command writes a folder with a report, and `inkfast predict` classifies new images with it.
#
# ```
# inkfast train cnn --data example-digits --noise "rotate(degrees=15)" --name mine
# inkfast validate --models mlp,cnn --data example-digits --folds 5 --name mine-folds
# inkfast predict example-digits --model runs/mine --to answers.csv
# ```
#
# ## What to try next
#
# - Your own folder in `FOLDER`. Thirty images per class are a start, a hundred are good.
# - More `EPOCHS`, and plain `"cnn"` as the model.
# - The noise that your images really have: `inkfast noise show blur` draws it at five strengths.
# - Which images are misclassified? Often their label is wrong, or they contain two digits.

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
# # 2. Which network is more robust to noise, and why?
#
# Two networks, the same digits, the same noise. A dense network has a weight for every pixel. A
# convolutional network applies the same small filters everywhere in the image. We train both, test
# whether the difference is significant, then increase the noise until both fail. It takes about
# half a minute.

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

import inkfast

DATA = "embedded"  # "mnist" uses MNIST, after `inkfast data fetch`
EPOCHS = 3  # passes over the training digits; more are more accurate and take longer
SEEDS = 2  # how often each network is trained, each time from different random weights
RUN = Path("runs/notebook")  # the same folder that `inkfast compare` writes

# %% [markdown]
# ## Train
#
# All choices in one place, with the same names as in a recipe file and on the command line. The
# convolutional network is small, so that the notebook runs quickly; plain `"cnn"` is larger.
#
# The training noise is drawn again for every batch, so a network never sees the same image twice.
# The best epoch is chosen on validation digits, which are cut from the training digits; the test
# digits are not used for any choice.

# %%
results = inkfast.compare(
    models=[
        {"name": "dense", "model": "mlp(hidden=[256, 128])"},
        {"name": "convolutional", "model": "cnn(layers='C16(5)/2-C32-MP-C64-GMP')"},
    ],
    data=DATA,
    noise="noisy-mnist",
    seeds=SEEDS,
    epochs=EPOCHS,
    recipe={"batch_size": 125},
    name="notebook",
    threads=1,
    out=RUN,
    overwrite=True,
)
print(f"full report: {RUN}/report.html")

# %% [markdown]
# The run folder holds the trained networks. We load them together with the digits they were trained
# and tested on. The noise of the test digits is drawn once and is the same for both networks.

# %%
from inkfast.experiments import dataset, run_folder
from inkfast.report.image_sheets import image_sheet

experiment, fits = run_folder.load_models(RUN)
digits = dataset.load_experiment_data(experiment)
models = {
    row["model"]: [m for spec, m in fits if spec.name == row["model"]] for row in results.rows
}
print(f"{len(digits.train):,} digits to train on, {len(digits.test):,} others to test on")

plt.figure(figsize=(9, 1.6), layout="constrained")
plt.imshow(image_sheet([digits.clean.images[:14], digits.test.images[:14]]), cmap="gray")
plt.yticks([14, 44], ["clean", "noisy"])
plt.xticks([])
plt.show()

# %% [markdown]
# Solid lines show the accuracy on validation digits, dashed lines that on the training batches; one
# line per seed.

# %%
plt.figure(figsize=(6, 3), layout="constrained")
for colour, (name, seeds) in enumerate(models.items()):
    for number, trained in enumerate(seeds):
        epochs = [epoch.number for epoch in trained.history]
        style = {"color": f"C{colour}", "label": None if number else name}
        plt.plot(epochs, [epoch.validation_accuracy for epoch in trained.history], **style)
        plt.plot(epochs, [epoch.accuracy for epoch in trained.history], "--", color=f"C{colour}")
plt.xticks(epochs)
plt.xlabel("epoch")
plt.ylabel("accuracy")
plt.legend()
plt.show()

# %% [markdown]
# ## Results

# %%
for row in results.rows:
    low, high = row["accuracy_ci95"]
    print(f"{row['model']}: accuracy {row['accuracy']:.1%} (95 % interval {low:.1%} to {high:.1%})")
    print(f"  {row['n_parameters']:,} parameters, calibration error {row['ece']:.1%}")

# %% [markdown]
# The convolutional network is far more accurate on noisy digits, with about a tenth of the
# parameters. The many weights of the dense network do not help: each belongs to one position, and
# noise changes positions.
#
# ## Is the difference significant?
#
# There are two sources of chance.
#
# - **The test digits.** On other digits the accuracies would differ slightly. Both networks are
#   tested on the same digits, so a paired test is possible, which uses only the digits they
#   disagree on.
# - **The seeds.** Training again from different random weights changes each accuracy. The second
#   test compares the difference with its variation from seed to seed.
#
# The p-value is the probability of a difference at least this large if the networks were equally
# good. inkfast calls a difference real only if *both* tests give a p-value below 0.05.

# %%
print(results.headline, "\n")
for comparison in results.comparisons:
    print("\n".join(comparison["tests"]))

# %% [markdown]
# With only two seeds the second test has little power and often answers "not shown to be real" even
# for a large difference. It then takes more seeds; five are a good number.
#
# ## A surprise
#
# Now we test the trained networks on the same digits under other noise. Digits without any noise
# should be the easiest, should they not?

# %%
from inkfast import noise


def accuracy(name, chain):
    """Return the accuracy of each seed of a network on the clean test digits under a noise."""
    corrupted = noise.noisy(digits.clean, inkfast.build_noise(chain), seed=1)
    labels = corrupted.known_labels
    return [(m.probabilities(corrupted).argmax(axis=1) == labels).mean() for m in models[name]]


SHRUNK = "zoom(factor=0.8333)"
easy = {}
for chain in ("none", SHRUNK):
    easy[chain] = {name: float(np.mean(accuracy(name, chain))) for name in models}
    print(f"{chain}: " + ", ".join(f"{name} {share:.1%}" for name, share in easy[chain].items()))

# %% [markdown]
# Accuracy on clean digits is *lower* than on shrunk ones, and even lower than on noisy ones. The
# reason is the training noise: `noisy-mnist` shrinks every digit by a sixth, so neither network has
# ever seen one of full size. Clean digits lie outside the training distribution.
#
# ## Increase the noise
#
# We therefore start from shrunk digits and rotate them by up to 20, 40, ... degrees, then shift
# them by more and more pixels. The grey line marks the strength of the training noise.

# %%
SWEEPS = {
    "rotate(degrees={}) + " + SHRUNK: ("largest rotation, degrees", range(0, 181, 20), 72),
    "translate(pixels={}) + " + SHRUNK: ("largest shift, pixels", range(0, 13, 2), 5.6),
}
curves = {}
figure, panels = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained", sharey=True)
for axes, (chain, (label, steps, trained_to)) in zip(panels, SWEEPS.items()):
    for name in models:
        seeds = np.array([accuracy(name, chain.format(step)) for step in steps])
        curves[name, chain] = seeds.mean(axis=1)
        (line,) = axes.plot(steps, seeds.mean(axis=1), marker="o", label=name)
        axes.fill_between(
            steps, seeds.min(axis=1), seeds.max(axis=1), color=line.get_color(), alpha=0.2
        )
    axes.axvline(trained_to, color="grey", linewidth=1)
    axes.set(xlabel=label, ylim=(0, 1.02))
panels[0].set_ylabel("accuracy")
panels[0].legend()
plt.show()

# %% [markdown]
# Up to the grey line both networks roughly keep their accuracy; beyond it, it drops. A network is
# robust to the noise it was trained under, and to little more. (Rotated by 180 degrees, a 6 *is* a
# 9, so no classifier could recognise all of them.)
#
# Why is the convolutional network better? Its filters slide over the image, so a stroke learnt in
# one position is recognised in every position, and its last layer asks only whether a shape occurs
# *anywhere*. The dense network has to learn every digit again for every position.
#
# ## Which digits are confused?
#
# Rows are labels, columns are predictions, summed over all seeds. Everything off the diagonal is an
# error.

# %%
from sklearn.metrics import ConfusionMatrixDisplay, confusion_matrix

labels = digits.test.known_labels
probabilities = {n: [m.probabilities(digits.test) for m in seeds] for n, seeds in models.items()}
figure, panels = plt.subplots(1, 2, figsize=(10, 5), layout="constrained")
for axes, (name, seeds) in zip(panels, probabilities.items()):
    counts = sum(confusion_matrix(labels, seed.argmax(axis=1)) for seed in seeds)
    ConfusionMatrixDisplay(counts).plot(ax=axes, cmap="Blues", colorbar=False)
    errors = counts.sum() - counts.trace()
    axes.set(title=f"{name}: {errors} errors", xlabel="prediction", ylabel="label")
plt.show()

# %% [markdown]
# ## The most confident errors
#
# The errors with the highest confidence, for the first seed of each network. Could you tell these
# digits?

# %%
figure, panels = plt.subplots(2, 8, figsize=(10, 3.4), layout="constrained")
for line, (name, (first, *_)) in zip(panels, probabilities.items()):
    confidence, predicted = first.max(axis=1), first.argmax(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    for axes, index in zip(line, wrong[np.argsort(-confidence[wrong])]):
        axes.imshow(digits.test.images[index], cmap="gray")
        title = f"{labels[index]} as {predicted[index]}\n{confidence[index]:.0%} sure"
        axes.set_title(title, fontsize=9)
    for axes in line:
        axes.axis("off")
    side = {"transform": line[0].transAxes, "rotation": 90, "va": "center", "ha": "right"}
    line[0].text(-0.15, 0.5, name, **side)
plt.show()

# %% [markdown]
# ## What to try next
#
# - `SEEDS = 5`: is the second test significant now?
# - `train_noise="none"` in the experiment trains on clean digits and tests on noisy ones. Which
#   network suffers more?
# - Other noise: `"gaussian(sigma=0.4)"` leaves every stroke in its position. Does the dense network
#   catch up?
# - Append `+ zoom(factor=[0.8, 1.2])` to the noise of the experiment. Does accuracy on clean digits
#   improve?
# - Other models: `inkfast models list`. On the command line, this notebook corresponds to
#
# ```
# inkfast compare --models mlp,cnn --data embedded --noise noisy-mnist --seeds 2
# inkfast evaluate runs/notebook --noise "rotate(degrees=40)"
# ```
#
# Next: `3-your-own-digits`.

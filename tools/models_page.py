"""docs/models.md, written from the docstrings of the registered models and of `Recipe`."""

from __future__ import annotations

import inspect
import re

from inkfast.models import MODELS, Architecture, Baseline, NumberArchitecture, summarise
from inkfast.training import Recipe
from inkfast.training.number_recipe import NumberRecipe
from tools.markdown import format_table


def models_page() -> str:
    """Return the page: a table of all models, then the parameters of each and of a recipe."""
    models = [cls() for cls in MODELS]
    networks = [model for model in models if not isinstance(model, Baseline | NumberArchitecture)]
    numbers = [model for model in models if isinstance(model, NumberArchitecture)]
    baselines = [model for model in models if isinstance(model, Baseline)]
    lines = [
        "# Models", "",
        "<!-- written by tools/write_docs.py from the registry, do not edit -->", "",
        "Reference of every architecture and every recipe key, for anyone who writes a model spec "
        "such as `mlp(hidden=[256, 128])` or a recipe. Parameter counts and FLOPs are those of the "
        "defaults; a multiply-add counts as two FLOPs.",
        "", "## Networks", "", *_model_table(networks),
        "", "## Networks that read numbers", "",
        "They are trained with `inkfast train` on composed strips, and used by `inkfast read`. "
        "FLOPs are those of a strip of 40 x 160 pixels, about six digits.", "",
        *_model_table(numbers),
        "", "## Baselines of scikit-learn", "", *_description(Baseline), "",
        *_model_table(baselines),
        "", "## Parameters", "",
        "Every network also takes `init`, the initialisation of its weights: `torch`, or Keras' "
        "`glorot` or `he`. Every baseline also takes `copies`.", "",
        *(line for model in models for line in _model_section(model)),
        "## Recipe keys", "",
        "Keys of `--set`, of `[recipe]` and of each `[[models]]` table in a TOML file, with the "
        "default in parentheses; a model may have other defaults. A run's `experiment.toml` holds "
        "the resolved value of every key.", "",
        *_recipe_keys(Recipe()), "",
        "## Recipe keys of networks that read numbers", "", *_recipe_keys(NumberRecipe()),
    ]  # fmt: skip
    return re.sub("\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


def _model_table(models: list[Architecture]) -> list[str]:
    grows = isinstance(models[0], Baseline)
    head = ["model", "description", "parameters", "FLOPs per image", "source"]
    head[4:4] = ["growth with the training rows"] if grows else []
    return format_table(head, [_model_row(model) for model in models])


def _model_row(model: Architecture) -> list[str]:
    summary = summarise(model)
    size = [f"{summary.parameters:,}", f"{summary.flops:,}"] if summary else 2 * ["by the rows"]
    first_sentence = _description(type(model))[0].split(". ")[0].rstrip(".")
    grows = [model.grows] if isinstance(model, Baseline) else []
    return [f"`{model.name}`", first_sentence, *size, *grows, model.source]


def _model_section(model: Architecture) -> list[str]:
    return [
        f"### {model.name}", "", f"`{model}`", "", *_description(type(model)), "",
        *(f"- `{name}`: {text}" for name, text in _attributes(type(model)).items()), "",
    ]  # fmt: skip


def _recipe_keys(recipe: Recipe | NumberRecipe) -> list[str]:
    """Return one line per key, with its default in parentheses unless its text explains it."""
    return [
        f"- `{key}`{'' if 'when not given' in text else f' ({getattr(recipe, key)})'}: {text}"
        for key, text in _attributes(type(recipe)).items()
    ]


def _description(cls: type[Architecture]) -> list[str]:
    """Return the paragraphs of a class's docstring that precede its attributes."""
    text = inspect.cleandoc(cls.__doc__ or "").split("\nAttributes:")[0].replace("``", "`")
    parts = [" ".join(part.split()) for part in text.split("\n\n")]
    return [line for part in parts for line in (part, "")][:-1]


def _attributes(cls: type[Architecture] | type[Recipe | NumberRecipe]) -> dict[str, str]:
    """Return the description of each attribute in a class's docstring."""
    _, _, text = inspect.cleandoc(cls.__doc__ or "").partition("\nAttributes:\n")
    entries = re.split(r"\n    (?=\w+: )", "\n" + text)[1:]
    pairs = (entry.split(": ", 1) for entry in entries)
    return {name: " ".join(words.replace("``", "`").split()) for name, words in pairs}

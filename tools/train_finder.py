"""Train the finder of numbers that inkfast ships, on pages composed by program.

    python -m tools.train_finder [--run runs/finder] [--to FINDER.onnx]

Pages and the state of the training are kept in the run folder; a second call resumes it.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from pathlib import Path

from inkfast.core.io import sha256, write_bytes, write_json
from inkfast.experiments.finder_export import export_finder
from inkfast.training.finder_loop import FinderRecipe, fit_finder
from inkfast.training.finder_pages import compose_page_shards, load_page_shard
from inkfast.training.number_recipe import NumberRecipe
from inkfast.training.number_sources import attributions, load_hands

SHARDS, SHARD_PAGES = 35, 200
HANDS = NumberRecipe(strokes="unipen", rasters="mnist=0.86, optdigits=0.14")


def main() -> None:
    """Compose pages, train, and export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, default=Path("runs/finder"))
    parser.add_argument(
        "--to", type=Path, default=Path("src/inkfast/inference/shipped/finder/finder.onnx")
    )
    parser.add_argument("--steps", type=int, default=FinderRecipe.steps)
    parser.add_argument("--threads", type=int, default=0)
    given = parser.parse_args()
    recipe = FinderRecipe(steps=given.steps)
    hands = load_hands(HANDS)
    pages = []
    for path in compose_page_shards(
        given.run / "pages", hands.training, SHARDS, SHARD_PAGES, recipe.seed
    ):
        pages += load_page_shard(path)
        sys.stdout.write(f"\r{len(pages):,} pages")
    since = time.monotonic()

    def report(step: int, losses: dict[str, float]) -> None:
        if step % 25 == 0:
            shown = "  ".join(f"{name} {loss:.3f}" for name, loss in losses.items())
            sys.stdout.write(f"\nstep {step:,}  {shown}  {time.monotonic() - since:.0f} s")
            sys.stdout.flush()

    network = fit_finder(recipe, pages, given.run / "training.safetensors", given.threads, report)
    about = {
        "recipe": dataclasses.asdict(recipe),
        "pages": len(pages),
        "composed_of": attributions(HANDS),
    }
    content = export_finder(network, about)
    write_bytes(given.to, content)
    write_json(given.to.with_suffix(".json"), about | {"sha256": sha256(content)})


if __name__ == "__main__":
    main()

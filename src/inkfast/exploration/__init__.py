"""Looking at digits before anything is trained on them: numbers here, pictures in `report`."""

from __future__ import annotations

from inkfast.exploration.exploration import Exploration, claim_exploration_folder, explore
from inkfast.exploration.findings import Finding, findings

__all__ = ["Exploration", "Finding", "claim_exploration_folder", "explore", "findings"]

"""From an experiment's settings to a run folder, scores and an exported model."""

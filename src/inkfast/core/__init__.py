"""What all rooms share: errors, registries, file writes, random generators, `Digits`, splits."""

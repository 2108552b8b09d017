"""What all packages share: errors, registries, file writes, random generators, `Digits`, splits."""

"""What everything else stands on: errors, named specs, file writes, random seeds, `Digits`."""

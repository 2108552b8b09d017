"""From an image file to ink, single digits and their order: everything before a network."""

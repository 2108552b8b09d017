"""Images made by a program: handwritten digits, and images that show no digit."""

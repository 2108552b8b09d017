"""Readers over HTTP, and the Noise Lab page: nothing here imports torch."""

"""inkfast: handwritten digits, read through noise."""

from importlib.metadata import version

__version__ = version("inkfast")

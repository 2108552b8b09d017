"""From an image file to ink, single digits and their order: everything before a network.

`scipy` is imported inside the functions that need it: reading rows of pixels never does, and its
import takes longer than reading them.
"""

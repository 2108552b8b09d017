"""The tests of inkfast: a folder for each package, and fixtures that they share in conftest.

Every process of the tests computes on one thread, since xdist already keeps each core busy. Two
threads in each of two processes took three times the processor's time.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy and torch are imported

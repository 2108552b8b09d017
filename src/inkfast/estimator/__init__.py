"""`DigitClassifier`: training behind scikit-learn's `fit` and `predict`."""

from inkfast.estimator.classifier import DigitClassifier

__all__ = ["DigitClassifier"]

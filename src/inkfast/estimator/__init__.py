"""`DigitClassifier`: training as a scikit-learn classifier."""

from inkfast.estimator.classifier import DigitClassifier

__all__ = ["DigitClassifier"]

"""Contract suites: what each noise, model and data source must do, inkfast's own and plug-ins.

A check raises `AssertionError` with one sentence, so it works in any test framework::

    from inkfast.testing import check_noise

    def test_checker():
        check_noise("checker(cells=4)")
"""

from inkfast.testing.data_checks import check_data_source
from inkfast.testing.expect import easy_digits
from inkfast.testing.model_checks import check_model
from inkfast.testing.noise_checks import check_noise

__all__ = ["check_data_source", "check_model", "check_noise", "easy_digits"]

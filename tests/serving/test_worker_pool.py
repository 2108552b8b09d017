"""Worker processes answer as this process would, and again after one is lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest

from inkfast.core.errors import InkfastError, NoInkError
from inkfast.inference.onnx_classifier import OnnxClassifier
from inkfast.inference.reader import Reader
from inkfast.serving.limits import Refused
from inkfast.serving.prediction import PredictRequest, PredictResponse, predict_batch
from inkfast.serving.request_images import load_request_views
from inkfast.serving.worker_pool import ReaderPool
from tests.execution.squares import worker_processes
from tests.inference.makers import classifier
from tests.serving.makers import as_file, drawn, readers


@pytest.fixture
def networks() -> dict[str, Reader]:
    return readers()


@pytest.fixture
def pool(networks: dict[str, Reader]) -> Iterator[ReaderPool]:
    with ReaderPool(networks, 1) as made:
        yield made


def request_for(content: bytes) -> PredictRequest:
    return PredictRequest(partial(load_request_views, content), ("reader", "dense"))


def test_predictions_are_those_of_this_process(
    pool: ReaderPool, networks: dict[str, Reader]
) -> None:
    asked = [request_for(as_file(drawn(digit))) for digit in (3, 7)]
    for here, there in zip(predict_batch(networks, asked), pool.predict(asked), strict=True):
        assert isinstance(here, PredictResponse)
        assert isinstance(there, PredictResponse)
        np.testing.assert_array_equal(there.images, here.images)
        for name in ("reader", "dense"):
            np.testing.assert_array_equal(there.probabilities[name], here.probabilities[name])


def test_an_error_concerns_only_its_own_request(pool: ReaderPool) -> None:
    blank = as_file(drawn(1).point(lambda _: 255))
    refused, none, response = pool.predict(
        [request_for(b"?"), request_for(blank), request_for(as_file(drawn(5)))]
    )
    assert isinstance(refused, Refused)
    assert refused.status == 415
    assert "Expected a PNG" in refused.reason
    assert isinstance(none, NoInkError)
    assert isinstance(response, PredictResponse)
    assert response.probabilities["reader"][0].argmax() == 5


def test_a_lost_process_is_replaced(pool: ReaderPool) -> None:
    """A lost process refuses its requests and is replaced, twice in a row."""
    asked = [request_for(as_file(drawn(4)))]
    for _ in range(2):
        (child,) = worker_processes()
        assert child.pid
        os.kill(child.pid, signal.SIGKILL)
        with pytest.raises(Refused) as told:
            pool.predict(asked)
        assert told.value.status == 503
        (found,) = pool.predict(asked)
        assert isinstance(found, PredictResponse)
        assert found.probabilities["reader"][0].argmax() == 4


def test_a_failing_network_fails_only_its_own_requests(networks: dict[str, Reader]) -> None:
    """A network whose answers are no probabilities gets one sentence; others are answered."""
    content = classifier(softmax=False).SerializeToString()
    logits = OnnxClassifier(content, "logits.onnx", 0, "output=probabilities")
    with ReaderPool(networks | {"logits": Reader(logits, 0)}, 1) as pool:
        image = partial(load_request_views, as_file(drawn(6)))
        failed, response = pool.predict(
            [PredictRequest(image, ("logits",)), PredictRequest(image, ("reader",))]
        )
        assert isinstance(failed, InkfastError)
        assert "logits.onnx: expected probabilities" in str(failed)
        assert isinstance(response, PredictResponse)
        assert response.probabilities["reader"].argmax() == 6


class Alone:
    """A network that reads one image at a time, as one whose answer has a fixed number of rows."""

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Be sure of what the brightest pixel says."""
        if len(images) != 1:
            raise InkfastError(f"alone.onnx: expected an answer ({len(images)}, 10), got (1, 10).")
        return np.eye(10)[[int(images.max())]]


def test_a_response_does_not_depend_on_the_batch() -> None:
    """A response does not depend on the other requests of its batch."""
    many, *ones = (
        PredictRequest(partial(np.full, (count, 28, 28), digit, np.uint8), ("alone",))
        for count, digit in ((2, 0), (1, 3), (1, 7))
    )
    failed, *told = predict_batch({"alone": Reader(Alone(), 0)}, [many, *ones])  # type: ignore[arg-type]
    assert isinstance(failed, InkfastError)
    assert [
        one.probabilities["alone"].argmax() for one in told if isinstance(one, PredictResponse)
    ] == [3, 7]


def fail() -> None:
    raise RuntimeError("unforeseen")


def test_an_unexpected_error_keeps_its_traceback(pool: ReaderPool) -> None:
    (error,) = pool.predict([PredictRequest(fail, ("reader",))])  # type: ignore[arg-type]
    assert isinstance(error, RuntimeError)
    assert "in fail" in error.__notes__[0]


def test_no_process_is_left(networks: dict[str, Reader]) -> None:
    before = set(worker_processes())
    with ReaderPool(networks, 2) as pool:
        started = set(worker_processes()) - before
        assert len(started) == 2
    assert not any(child.is_alive() for child in started)
    with pytest.raises(Refused):
        pool.predict([])

"""What the API answers to images and tensors."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path

import httpx
import numpy as np
import pytest
import tritonclient.http as triton
from PIL import Image

from inkfast import noise
from inkfast.core.digits import Digits
from inkfast.inference.drift import CONFIDENCES, summarize_confidences
from inkfast.inference.onnx_classifier import ModelMetadata, OnnxClassifier
from inkfast.inference.quality import QualityCheck
from inkfast.inference.reader import Prediction, Reader
from inkfast.serving.request_images import digit_image
from inkfast.serving.routes_v1 import json_response, model_card, prediction_json
from inkfast.serving.schemas import ModelCard, PredictionSchema
from tests.imaging.document_makers import blank_pdf, encrypted_pdf, pages_file, patched_tiff
from tests.inference.makers import bars
from tests.inference.test_onnx_format import label_model
from tests.serving.makers import STROKES, Stuck, as_file, drawn, serving


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF"])
def test_an_image_is_read(api, kind):
    """The body is an image of one of six formats; the prediction has a confidence."""
    (answer,) = api.post("/v1/predict", content=as_file(drawn(3), kind)).json()["predictions"]
    assert (answer["digit"], answer["unsure"]) == (3, "")
    assert 0.9 < answer["confidence"] <= 1
    assert sum(answer["probabilities"]) == pytest.approx(1, abs=1e-4)
    assert answer["probabilities"][answer["runner_up"]] == pytest.approx(
        answer["runner_up_confidence"], abs=1e-5
    )


def test_a_network_of_labels_alone_has_no_confidence():
    """What such a network does not know is null, as the schema allows; JSON has no NaN."""
    network = OnnxClassifier(label_model().SerializeToString(), "labels", 1)
    reader = Reader(network, 0.0, labels_only=True)
    found = prediction_json(reader, network.probabilities(bars(3))[2], QualityCheck())
    assert json.loads(json_response(found).body) == {
        "digit": 2, "confidence": None, "runner_up": None, "runner_up_confidence": None,
        "unsure": "", "probabilities": [],
    }  # fmt: skip
    assert PredictionSchema(**found).confidence is None


def test_several_files_are_answered_in_their_order(api):
    """A multipart body has many images; each gets its prediction, in order."""
    files = [("file", (f"{digit}.png", as_file(drawn(digit)), "image/png")) for digit in STROKES]
    found = api.post("/v1/predict", files=files).json()
    assert found["model"] == "reader"
    assert [answer["digit"] for answer in found["predictions"]] == list(STROKES)


def test_the_reason_is_the_readers_own(api, monkeypatch):
    """The API repeats the reader's reason for being unsure."""
    doubts = [Prediction(3, 0.5, 8, 0.4, "this looks like two touching digits")]
    monkeypatch.setattr(Reader, "to_predictions", lambda *_: doubts)
    image = as_file(drawn(3))
    predicted = api.post("/v1/predict", content=image).json()["predictions"][0]
    looked = api.post("/v1/lab", content=image).json()["predictions"]["dense"]
    assert predicted["unsure"] == looked["unsure"] == "this looks like two touching digits"


def test_an_empty_paper_is_no_digit(api):
    """An image without ink has no digit."""
    blank = as_file(Image.new("L", (280, 280), 255))
    (answer,) = api.post("/v1/predict", content=blank).json()["predictions"]
    assert (answer["digit"], answer["unsure"]) == (None, "no ink was found")
    assert api.post("/v1/read", content=blank).json()["pages"][0]["numbers"] == []
    lab = api.post("/v1/lab", content=blank).json()
    assert lab["clean_digit"] is None
    assert lab["predictions"]["dense"]["unsure"] == "no ink was found"


def test_answers_that_differ_from_the_calibration_are_reported():
    """Answers of low confidence set `drift_warning` and the metric from then on, across requests."""
    confidences = summarize_confidences(np.full(500, 0.99))
    doubtful = Stuck()
    doubtful.metadata = ModelMetadata(
        {"promises": [[0.02, 0.5]], CONFIDENCES: confidences}, "doubtful"
    )
    doubtful.probabilities = lambda images: np.tile([0.55, 0.45] + [0.0] * 8, (len(images), 1))
    with serving(stuck=doubtful) as url, httpx.Client(base_url=url, timeout=60) as client:
        before = client.get("/metrics").text
        said = [
            client.post("/v1/predict", content=as_file(drawn(3))).json()["drift_warning"]
            for _ in range(20)
        ]
        after = client.get("/metrics").text
    assert said[0] == ""
    assert "more than 2 % of the answers may be wrong" in said[-1]
    assert said == sorted(said)
    assert 'inkfast_drift_alarm{model="reader"} 0.0' in before
    assert 'inkfast_drift_alarm{model="reader"} 1.0' in after


def test_a_number_is_read(api):
    """Neighbouring digits form one number with a box, counted from 1; characters come on request."""
    page = Image.new("L", (900, 400), 250)
    for place, digit in enumerate((4, 0, 7)):
        page.paste(drawn(digit), (40 + 200 * place, 60))
    (found,) = api.post("/v1/read", content=as_file(page)).json()["pages"]
    assert (found["page"], found["width"], found["height"]) == (1, 900, 400)
    assert found["lines"] == [["407"]]
    (number,) = found["numbers"]
    assert (number["line"], number["number"], number["text"], number["unsure"]) == (1, 1, "407", "")
    left, top, width, height = (number[side] for side in ("left", "top", "width", "height"))
    assert 60 < left < 200 and 40 < top < 200 and 400 < width < 620 and 100 < height < 280  # noqa: PT018
    asked = {"each": "character"}
    (found,) = api.post("/v1/read", params=asked, content=as_file(page)).json()["pages"]
    characters = found["numbers"][0]["characters"]
    assert [one["text"] for one in characters] == ["4", "0", "7"]
    assert [one["character"] for one in characters] == [1, 2, 3]
    assert left <= characters[0]["left"]
    assert characters[-1]["left"] + characters[-1]["width"] <= left + width


def test_what_is_known_of_a_page_is_asked_for(api):
    """Counts of numbers and digits are query parameters; a wrong one is refused."""
    page = Image.new("L", (1200, 400), 250)
    for left, digit in ((40, 4), (240, 0), (880, 7)):
        page.paste(drawn(digit), (left, 60))
    image = as_file(page)

    def lines(**asked: int) -> list[list[str]]:
        return api.post("/v1/read", params=asked, content=image).json()["pages"][0]["lines"]

    assert lines() == [["40", "7"]]
    for asked in ({"per_line": 1}, {"per_line": 1, "digits": 3}):
        (found,) = api.post("/v1/read", params=asked, content=image).json()["pages"]
        assert [number["text"] for number in found["numbers"]] == ["407"]
    (number,) = api.post("/v1/read", params={"per_line": 1, "digits": 4}, content=image).json()[
        "pages"
    ][0]["numbers"]
    assert (number["text"], number["unsure"]) == ("407", "expected 4 digits, found 3")
    answer = api.post("/v1/read", params={"digit": 4}, content=image)
    assert (answer.status_code, "Did you mean 'digits'?" in answer.json()["error"]) == (422, True)
    assert api.post("/v1/read", params={"per_line": 0}, content=image).status_code == 422


def test_noise_is_applied_to_an_image(api):
    """The same chain and seed give the same pixels as in Python."""
    image = as_file(drawn(5))
    text = "rotate(degrees=30) + gaussian(sigma=0.2)"
    response = api.post("/v1/noise", params={"noise": text, "seed": 7}, content=image)
    assert response.headers["content-type"] == "image/png"
    found = np.asarray(Image.open(io.BytesIO(response.content)))
    clean = Digits(digit_image(image)[None], np.zeros(1, np.int64), "one")
    np.testing.assert_array_equal(found, noise.noisy(clean, noise.build_noise(text), 7).images[0])
    refused = api.post("/v1/noise", params={"noise": "fogg"}, content=image)
    assert refused.status_code == 422
    assert "Did you mean 'fog'?" in refused.json()["error"]


def test_the_lab_returns_images_and_predictions(api):
    """The server applies the sliders; occlusion maps are brightest on the ink."""
    image = as_file(drawn(7))
    asked = {"rotate": 20, "gaussian": 0.1, "seed": 3, "occlusion": True}
    found = api.post("/v1/lab", params=asked, content=image).json()
    assert found["noise"] == "rotate(degrees=[20, 20]) + gaussian(sigma=0.1)"
    assert found["clean_digit"] == 7
    assert list(found["predictions"]) == ["dense", "cnn", "reader"]
    clean, seen = (pixels(found[key]) for key in ("clean", "seen"))
    np.testing.assert_array_equal(clean, digit_image(image))
    assert (clean != seen).mean() > 0.3
    occlusion = pixels(found["occlusion"]["reader"])
    assert occlusion.max() > 20
    assert occlusion[clean > 128].mean() > 2 * occlusion[clean == 0].mean()
    sliders = {slider["name"] for slider in api.get("/v1/lab").json()["sliders"]}
    assert sliders == set(api.get("/v1/lab").json()["curves"]["curves"])


def pixels(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(28, 28)


def form(content: object) -> object:
    """Return JSON with the kind of each value in its place; lists by what they first hold."""
    if isinstance(content, dict):
        return {key: form(value) for key, value in content.items()}
    return [form(one) for one in content[:1]] if isinstance(content, list) else type(content)


def test_the_documented_examples_have_the_structure_of_responses(api):
    """The examples of docs/serving.md have the structure of responses, and its table names every field."""
    page = Image.new("L", (900, 400), 250)
    for place, digit in enumerate((4, 7)):
        page.paste(drawn(digit), (40 + 200 * place, 60))
    asked = {"predict": drawn(8).crop((0, 0, 280, 150)), "read": page}
    documents = Path(__file__).parents[2] / "docs" / "serving.md"
    text = documents.read_text(encoding="utf-8")
    shown = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]
    for (route, image), example in zip(asked.items(), shown, strict=True):
        found = api.post(f"/v1/{route}", content=as_file(image)).json()
        assert form(found) == form(example)
        (inner,) = found.get("predictions") or found["pages"]
        for field in {**inner, **inner.get("numbers", [{}])[0]}:
            assert f"`{field}`" in text, field


def test_numbers_are_rounded_alike(api):
    """Every probability and threshold has six decimals at most, wherever it stands."""
    page = Image.new("L", (600, 400), 250)
    page.paste(drawn(4), (40, 60))
    texts = [
        api.post("/v1/predict", content=as_file(drawn(7))).text,
        api.post("/v1/read", content=as_file(page)).text,
        api.post("/v1/lab", content=as_file(drawn(7))).text,
        api.get("/v1/models").text,
        api.get("/v1/lab").text,
    ]
    for text in texts:
        numbers = re.findall(r"[:,[](-?[0-9]*\.[0-9e.-]+)", text)
        assert numbers
        assert [one for one in numbers if round(float(one), 6) != float(one)] == []


def test_a_network_that_is_never_sure_has_no_threshold():
    """The threshold of a network that is never sure is null."""
    reader = Reader.open(threads=1)
    assert model_card("reader", reader)["threshold"] == round(reader.threshold, 6)
    reader.threshold = 2.0
    assert model_card("reader", reader)["threshold"] is None
    assert ModelCard(**model_card("reader", reader)).threshold is None


def test_models_are_listed(api):
    """Every network has a name and a threshold."""
    found = api.get("/v1/models").json()
    assert found["default"] == "reader"
    assert {model["name"] for model in found["models"]} >= {"reader", "cnn", "dense"}


def test_requests_are_counted(api):
    """Requests are counted by route and status, without names of models."""
    for path in ("reader", "models", "i/versions/1/ready"):
        api.get(f"/v2/models/{path}")
    text = api.get("/metrics").text
    assert 'inkfast_requests_total{route="/v2/models/{name}",status="200"}' in text
    assert 'inkfast_requests_total{route="/v2/models/{name}",status="404"}' in text
    assert 'route="/v2/models/{name}/versions/{version}/ready",status="404"}' in text
    assert "process_resident_memory_bytes" in text
    assert "inkfast_requests_waiting 0.0" in text


@pytest.mark.parametrize("binary", [True, False])
def test_tritons_client_is_answered(url, binary):
    """The real client of the Open Inference Protocol: health, metadata, JSON and binary tensors."""
    with triton.InferenceServerClient(url.removeprefix("http://")) as client:
        assert client.is_server_live()
        assert client.is_server_ready()
        assert client.is_model_ready("reader")
        assert client.is_model_ready("reader", "1")
        assert not client.is_model_ready("nobody")
        assert client.get_server_metadata()["name"] == "inkfast"
        (tensor,) = client.get_model_metadata("reader")["inputs"]
        images = np.stack([digit_image(as_file(drawn(digit))) for digit in STROKES])
        given = triton.InferInput(tensor["name"], list(images.shape), tensor["datatype"])
        given.set_data_from_numpy(images, binary_data=binary)
        outputs = [triton.InferRequestedOutput("probabilities", binary_data=binary)]
        found = client.infer("reader", [given], outputs=outputs, request_id="one")
        expected = Reader.open(threads=1).classifier.probabilities(images)
        np.testing.assert_allclose(found.as_numpy("probabilities"), expected, atol=1e-5)
        assert found.get_response()["id"] == "one"
        assert client.infer("reader", [given]).as_numpy("probabilities").argmax(1).tolist() == list(
            STROKES
        )


TENSOR = {"name": "images", "datatype": "UINT8", "shape": [1, 28, 28], "data": [0] * 784}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "photos"}, "Expected the input images of UINT8"),
        ({"datatype": "FP32"}, "got 'images' of 'FP32'"),
        ({"shape": [0, 28, 28]}, "with n from 1 to 1024, got"),
        ({"shape": [1025, 28, 28]}, "with n from 1 to 1024, got"),
        ({"shape": [1, 784]}, "Expected a shape"),
        ({"shape": [True, 28, 28]}, "Expected a shape"),
        ({"data": [0] * 783}, "Expected 784 pixels, got 783"),
        ({"data": [256] * 784}, "whole numbers from 0 to 255"),
        ({"data": [[1], [1, 2]]}, "whole numbers from 0 to 255"),
        ({"data": [10**30] * 784}, "whole numbers from 0 to 255"),
        ({"data": None}, "whole numbers from 0 to 255"),
        ({"parameters": []}, None),
        ({"shape": [1, 28.0, 28.0]}, None),
        ({"parameters": [1]}, "Expected `parameters` to be a JSON object"),
        ({"parameters": {"binary_data_size": 784}}, "Expected 784 bytes after the JSON, got 0"),
        ({"parameters": {"binary_data_size": -1}}, "Expected -1 bytes after the JSON"),
    ],
)
def test_a_wrong_tensor_is_explained(api, change, message):
    """A wrong tensor is refused in one sentence."""
    response = api.post("/v2/models/reader/infer", json={"inputs": [TENSOR | change]})
    assert response.status_code == (400 if message else 200)
    assert message is None or message in response.json()["error"]


@pytest.mark.parametrize(
    ("content", "headers", "message"),
    [
        (b"", {}, "Expected a JSON object with `inputs`."),
        (b"[" * 100_000, {}, "Expected a JSON object with `inputs`."),
        (b"{}", {}, "Expected one input, named images."),
        (b"{}", {"Inference-Header-Content-Length": "3"}, "expected at most 2, got '3'"),
        (b"{}", {"Inference-Header-Content-Length": "-1"}, "expected at most 2"),
        (b"{}", {"Inference-Header-Content-Length": "9" * 5000}, "expected at most 2, got '999"),
        (b"{}", {"Inference-Header-Content-Length": "0" * 5000 + "2"}, "Expected one input"),
        (b"{}", {"Content-Encoding": "gzip"}, "Expected a body that is not compressed."),
    ],
)
def test_a_wrong_request_is_explained(api, content, headers, message):
    """A malformed request of the protocol is refused in one sentence."""
    response = api.post("/v2/models/reader/infer", content=content, headers=headers)
    assert response.status_code == 400
    assert message in response.json()["error"]


def test_an_output_of_another_name_is_explained(api):
    """Another output, or Triton's classification extension, is refused in one sentence."""
    for output, message in [
        ({"name": "labels"}, "Expected one output, named probabilities."),
        ({"name": "probabilities", "parameters": {"classification": 1}}, "use the probabilities"),
    ]:
        asked = {"inputs": [TENSOR], "outputs": [output]}
        response = api.post("/v2/models/reader/infer", json=asked)
        assert response.status_code == 400
        assert message in response.json()["error"]


TIFF = pages_file([drawn(3), drawn(7)], "TIFF")


def test_each_page_of_a_document_is_answered(api):
    """Pages of a TIFF file are answered in order, beside an image, with file and page."""
    files = [("file", ("scan.tif", TIFF)), ("file", ("a.png", as_file(drawn(4))))]
    expected = [("scan.tif", 1, 3), ("scan.tif", 2, 7), ("a.png", 1, 4)]
    found = api.post("/v1/predict", files=files).json()["predictions"]
    assert [(one["file"], one["page"], one["digit"]) for one in found] == expected
    assert {one["error"] + one["warning"] for one in found} == {""}
    pages = api.post("/v1/read", files=files).json()["pages"]
    texts = [(one["file"], one["page"], int(one["lines"][0][0])) for one in pages]
    assert texts == expected


def test_pages_are_chosen_over_http(api):
    """`pages` chooses pages of a document; one that it lacks is refused."""
    for route, key in (("predict", "predictions"), ("read", "pages")):
        found = api.post(f"/v1/{route}", params={"pages": "2"}, content=TIFF).json()[key]
        assert [(one["file"], one["page"]) for one in found] == [("1", 2)]
        refused = api.post(f"/v1/{route}", params={"pages": "3"}, content=TIFF)
        assert refused.status_code == 422
        assert refused.json()["error"] == "1: expected pages 3, got a file of 2 pages."


def test_a_torn_page_has_its_error_and_the_others_are_answered(api):
    """A page that cannot be opened has an error; the others have their answers."""
    torn = patched_tiff(TIFF, 1, 273, len(TIFF) + 99)
    first, second = api.post("/v1/predict", content=torn).json()["predictions"]
    assert (first["digit"], first["unsure"], second["digit"]) == (None, "", 7)
    assert first["error"].startswith("1, page 1: expected an image")
    first, second = api.post("/v1/read", content=torn).json()["pages"]
    assert (first["numbers"], second["lines"]) == ([], [["7"]])
    assert first["error"].startswith("1, page 1: expected an image")


def test_pdf_and_heic_files_are_answered(api):
    """A PDF page and a HEIC image are read; a protected PDF and too many pages are refused."""
    pytest.importorskip("pypdfium2")
    pytest.importorskip("pillow_heif").register_heif_opener()
    scan = as_file(drawn(4), "PDF")
    for content in (scan, as_file(drawn(4), "HEIF")):
        (answer,) = api.post("/v1/predict", content=content).json()["predictions"]
        assert (answer["digit"], answer["page"]) == (4, 1)
    pytest.importorskip("pypdf")
    refused = api.post("/v1/read", content=encrypted_pdf(scan, "secret", "owner"))
    assert refused.status_code == 422
    assert "protected by a password" in refused.json()["error"]
    refused = api.post("/v1/read", content=blank_pdf([(20, 20)] * 33))
    assert "at most 32 pages of a file, which has 33" in refused.json()["error"]


def test_the_first_image_of_an_animation_is_answered_with_a_warning(api):
    """Of an animation the first image is read, and the answer says so."""
    content = pages_file([drawn(4), drawn(6)], "GIF")
    (answer,) = api.post("/v1/predict", content=content).json()["predictions"]
    assert answer["digit"] == 4
    assert answer["warning"] == "1: an animation of 2 images, of which the first is read."

"""The live page, driven as a program and as a person's browser does."""

import base64
import gc
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import chromium, until
from label_server import free_port
from PIL import Image

from db.errors import InputError, ServiceError
from db.privacy import keep_dependencies_quiet
from live.fakes import BrightBoxDetector, ColourClassifier
from live.session import LiveOptions, Models
from live.web import Page, build_app, launch_app, picture_of, serve

keep_dependencies_quiet()
MODELS = Models(BrightBoxDetector(), ColourClassifier())


def shot(colour: tuple[int, int, int] = (255, 180, 180), faces: bool = True) -> str:
    """A camera picture as the page sends it: a data address."""
    image = np.full((120, 160, 3), 30, np.uint8)
    if faces:
        image[40:100, 50:110] = colour
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


@contextmanager
def gradio_cleans_up() -> Iterator[None]:
    """Gradio and its client leave event loops to the garbage collector, which then complains: collect here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
        gc.collect()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    cache = tmp_path_factory.mktemp("gradio")
    with pytest.MonkeyPatch.context() as patch, gradio_cleans_up():
        patch.setenv("GRADIO_TEMP_DIR", str(cache))
        app = build_app(MODELS, 0.4, "a test run")
        try:
            yield launch_app(app, free_port())
        finally:
            app.close(verbose=False)
            del app
    assert [p for p in cache.rglob("*") if p.is_file()] == []  # nothing was recorded


@pytest.fixture
def client(address: str) -> Iterator[Any]:
    from gradio_client import Client

    with gradio_cleans_up():
        opened = Client(address, verbose=False)
        yield opened
        opened.close()
        del opened


def test_a_picture_comes_back_annotated_with_its_faces(client: Any) -> None:
    picture, status, faces = client.predict(shot(), api_name="/predict")
    drawn = picture_of(picture.replace(";annotated", ""))
    assert drawn.shape == (120, 160, 3)
    assert [face["class"] for face in faces] == ["happy"]
    assert status.startswith("1 face: happy")


def test_one_session_is_smoothed_and_another_is_not_touched(address: str, client: Any) -> None:
    from gradio_client import Client

    def happy(session: Any, colour: tuple[int, int, int]) -> float:
        return float(session.predict(shot(colour), api_name="/predict")[2][0]["probabilities"]["happy"])

    def only_the_first_is_smoothed(other: Any) -> bool:
        happy(client, (255, 160, 160))
        return happy(client, (160, 160, 255)) > happy(other, (160, 160, 255)) + 0.02

    with gradio_cleans_up():
        other = Client(address, verbose=False)
        # a slow machine tries again: a face that is not seen for 0.6 s (Smoothing.gap_s) is lost
        until(partial(only_the_first_is_smoothed, other))
        other.close()
        del other


def test_no_face_and_no_picture_are_answered_in_words(client: Any) -> None:
    assert client.predict(shot(faces=False), api_name="/predict")[1].startswith("No face")
    for wrong in ("", "hello", "data:image/png;base64,AAAA", "data:image/png;base64,%%%"):
        picture, status, faces = client.predict(wrong, api_name="/predict")
        assert picture == "" and faces == [] and "picture" in status


def test_every_handler_has_a_name(address: str) -> None:
    import httpx

    config = httpx.get(address + "config").json()
    assert [d["api_name"] for d in config["dependencies"]] == ["predict"]
    assert config["analytics_enabled"] is False


def test_a_page_that_points_its_own_name_here_is_turned_away(address: str) -> None:
    import httpx

    assert httpx.get(address + "config", headers={"Host": "evil.example"}).status_code == 400


def test_a_taken_port_is_one_line(address: str) -> None:
    port = int(address.rstrip("/").rsplit(":", 1)[1])
    with gradio_cleans_up():
        app = build_app(MODELS)
        with pytest.raises(ServiceError, match=f"port {port} is taken"):
            launch_app(app, port)
        app.close(verbose=False)
        del app


def test_the_page_is_served_for_the_time_asked() -> None:
    said: list[str] = []
    with gradio_cleans_up():
        serve(MODELS, port=None, options=LiveOptions(max_seconds=0.1), title="", say=said.append)
    assert len(said) == 1 and "open http://127.0.0.1:" in said[0]


def test_a_picture_too_large_is_refused_before_it_is_decoded() -> None:
    file = io.BytesIO()
    Image.new("1", (5000, 5000)).save(file, "PNG")
    with pytest.raises(InputError, match="too large"):
        picture_of("data:image/png;base64," + base64.b64encode(file.getvalue()).decode())


def test_class_names_cannot_smuggle_markup_into_the_page() -> None:
    page = Page(Models(BrightBoxDetector(), ColourClassifier(("<b>happy</b>", "angry"))))
    status = page.predict(shot(), _smoother())[1]
    assert "<b>" not in status and "&lt;b&gt;" in status


def _smoother() -> Any:
    from live.smooth import Smoother

    return Smoother()


@pytest.mark.parametrize("allowed", [True, False])
def test_in_a_browser_the_camera_is_shown_or_the_page_says_how_to_allow_it(
    address: str, tmp_path: Path, allowed: bool
) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    flags = ["--window-size=400,800", "--use-fake-device-for-media-stream"]
    if allowed:
        flags.append("--use-fake-ui-for-media-stream")
    with chromium(tmp_path, *flags) as browser:
        browser.get(address)
        wait = WebDriverWait(browser, 20)
        wait.until(lambda b: b.find_elements(By.CSS_SELECTOR, ".toggle"))[0].click()
        if allowed:
            shown = "return document.querySelector('.picture').naturalWidth > 0"
            wait.until(lambda b: b.execute_script(shown))
            browser.find_element(By.CSS_SELECTOR, ".toggle").click()
            assert "camera is off" in browser.find_element(By.CSS_SELECTOR, ".note").text
        else:
            wait.until(lambda b: "may not use the camera" in b.find_element(By.CSS_SELECTOR, ".note").text)
        assert browser.execute_script("return document.documentElement.scrollWidth - innerWidth") <= 0

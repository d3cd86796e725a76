"""Headless Chromium for tests: started with a profile of its own, and asked what its page shows."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage"
)


def chromium(profile: Path, *flags: str, logs: Sequence[str] = ("browser",)) -> Chrome:
    """A browser that a ``with`` block, or ``quit()``, ends. Skips the test where there is none to start."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("no Chromium with chromedriver here: apt install chromium chromium-driver")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in (*FLAGS.split(), f"--user-data-dir={profile}", *flags):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", dict.fromkeys(logs, "ALL"))
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))


def join(browser: Chrome, name: str) -> None:
    """Come in under this name; the browser shows a page of the workbench, on a machine without logins."""
    browser.set_script_timeout(60)
    browser.execute_async_script(
        """const done = arguments[1];
        fetch("/api/join", {method: "POST", headers: {"Content-Type": "application/json"},
          body: JSON.stringify({name: arguments[0]})}).then((answer) => answer.json()).then(done);""",
        name,
    )


def until(condition: Callable[[], Any]) -> Any:
    """Wait for the page or the server, which work on their own time; fails after a minute."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen within a minute")


class Page:
    """One person's browser, of any size, and what its page shows."""

    def __init__(self, profile: Path, *flags: str, logs: Sequence[str] = ("browser",)) -> None:
        self.driver = chromium(profile, *flags, logs=logs)

    def size(self, width: int, height: int) -> None:
        values = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", values)

    def script(self, code: str) -> Any:
        return self.driver.execute_script(f"return ({code})")

    def text(self, selector: str) -> str:
        return str(self.script(f"document.querySelector({selector!r})?.innerText ?? ''"))

    def shown(self, selector: str) -> bool:
        return bool(self.script(f"document.querySelector({selector!r})?.checkVisibility()"))

    def keys(self, *keys: str) -> None:
        from selenium.webdriver.common.action_chains import ActionChains

        for key in keys:
            ActionChains(self.driver).send_keys(key).perform()

    def focused(self) -> str:
        return str(self.script("document.activeElement.id || document.activeElement.innerText"))

"""Headless Chromium for tests: started with a profile of its own, and asked what its page shows."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import benchmarks.browser  # found because `make` installs Mimique editable
from db.errors import NotFoundError

if TYPE_CHECKING:
    from selenium.webdriver import Chrome


def chromium(profile: Path, *flags: str, logs: Sequence[str] = ("browser",)) -> Chrome:
    """As in the benchmarks; skips the test where there is none to start."""
    try:
        return benchmarks.browser.chromium(profile, *flags, logs=logs)
    except NotFoundError as error:
        pytest.skip(f"{error}: {error.hint}")


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

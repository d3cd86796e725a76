"""Takes the pictures of every page in docs/images: light and dark, 1280 and 400 pixels wide, in headless Chromium.

    python docs/screenshots.py                          all of them, in a workspace of drawn people (some minutes)
    python docs/screenshots.py --only review --only team
    python docs/screenshots.py --workspace /tmp/drawn   keeps the workspace there for the next time

Nobody in the pictures is real: the photos are drawn, four of the five people simulated, and so is the run whose
view the pages show. Needs ``chromium`` and ``chromedriver``. Pictures are WebP; Review, Agreement, Team and
Campaigns are shown whole, up to ``TALLEST`` pixels, the others as the window shows them.
"""

from __future__ import annotations

import base64
import io
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
from drawn_team import OWNER, drawn_team
from PIL import Image

from benchmarks.browser import chromium, workbench  # found because `make` installs Mimique editable
from db.errors import InputError
from db.workspace import CONFIG_NAME

IMAGES = Path(__file__).parent / "images"
TALLEST = 2600  # pixels
UNROLLED = ("review", "agreement", "team", "campaigns")
QUALITY = 80
WAIT_S = 90.0


@dataclass(frozen=True, slots=True)
class Size:
    """A window; ``scale`` is screen pixels a CSS pixel."""

    name: str
    width: int
    height: int
    scale: float


SIZES = (Size("wide", 1280, 800, 1.0), Size("narrow", 400, 860, 1.5))
THEMES = ("light", "dark")


class Browser:
    """A page in headless Chromium, of any size and theme."""

    def __init__(self, url: str, profile: Path) -> None:
        self.url, self.driver = url, chromium(profile, "--hide-scrollbars")

    def wear(self, size: Size, theme: str) -> None:
        feature = {"name": "prefers-color-scheme", "value": theme}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        self.fit(size)

    def fit(self, size: Size) -> None:
        metrics = {
            "width": size.width,
            "height": size.height,
            "deviceScaleFactor": size.scale,
            "mobile": False,
        }
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def go(self, route: str) -> None:
        self.driver.get(self.url + route)

    def run(self, script: str, *values: Any) -> Any:
        return self.driver.execute_script(script, *values)

    def until(self, condition: str) -> None:
        end = time.monotonic() + WAIT_S
        while not self.run(f"return Boolean({condition})"):
            if time.monotonic() > end:
                raise InputError(f"the page did not come to: {condition}")
            time.sleep(0.05)

    def settled(self) -> None:
        """Wait until every picture in sight is there and nothing moves any more."""
        self.until("document.fonts.status === 'loaded'")
        self.until(
            "[...document.images].every((i) => i.loading === 'lazy' || !i.checkVisibility() || i.complete)"
        )
        time.sleep(1.0)

    def unroll(self, size: Size) -> None:
        """Make the window as tall as the page."""
        tall = int(self.run("return document.documentElement.scrollHeight"))
        self.fit(replace(size, height=min(max(tall, size.height), TALLEST)))
        self.settled()

    def picture(self) -> Image.Image:
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {})
        return Image.open(io.BytesIO(base64.b64decode(shot["data"]))).convert("RGB")


# ---- the pages ---------------------------------------------------------------------------------------------------


def join(browser: Browser) -> None:
    """Come in as the owner."""
    browser.go("/")
    browser.until("document.querySelector('#mq-join')?.checkVisibility()")
    browser.driver.find_element("id", "mq-name").send_keys(f"{OWNER}\n")
    browser.until("document.querySelector('#mq-message-buttons button')?.checkVisibility()")


def vote_on(campaign: str) -> Callable[[Browser], None]:
    """The voting page of a campaign with a face on it."""

    def show(browser: Browser) -> None:
        browser.go("/")
        shown = "document.querySelector('#mq-stage img')?.checkVisibility()"
        welcome = "document.querySelector('#mq-message-buttons button')?.checkVisibility()"
        browser.until(f"{shown} || {welcome}")
        browser.run(
            "const at = document.querySelector('#mq-campaign');"
            "const option = [...at.options].find((o) => o.textContent.includes(arguments[0]));"
            "if (at.value !== option.value) { at.value = option.value; at.dispatchEvent(new Event('change')); }",
            campaign,
        )
        browser.until(f"{shown} || {welcome}")
        browser.run(f"if ({welcome}) document.querySelector('#mq-message-buttons button').click()")
        browser.until(shown)

    return show


def page(route: str, ready: str) -> Callable[[Browser], None]:
    def show(browser: Browser) -> None:
        browser.go(route)
        browser.until(ready)

    return show


def visible(selector: str) -> str:
    return f"document.querySelector('{selector}')?.checkVisibility()"


PAGES: dict[str, Callable[[Browser], None]] = {
    "vote_choose": vote_on("main"),
    "vote_verify": vote_on("is it anger?"),
    "vote_several": vote_on("mixed feelings"),
    "review": page("/review", visible("#mq-review-photo img") + " && " + visible("#mq-review-face")),
    "gallery": page("/gallery", visible(".mq-tile img")),
    "agreement": page("/agreement", "document.querySelector('#mq-ag-body')?.ariaBusy === 'false'"),
    "team": page("/team", visible("#mq-team-people table")),
    "campaigns": page("/campaigns", visible("#mq-campaign-list > *")),
}


def take(workspace: Path, names: list[str], images: Path) -> None:
    """The pictures of these pages, into that folder."""
    images.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as profile, workbench(workspace) as url:
        browser = Browser(url, Path(profile))
        try:
            join(browser)
            for name in names:
                for size in SIZES:
                    for theme in THEMES:
                        browser.wear(size, theme)
                        PAGES[name](browser)
                        browser.settled()
                        if name in UNROLLED:
                            browser.unroll(size)
                        picture = images / f"{name}_{size.name}_{theme}.webp"
                        browser.picture().save(picture, quality=QUALITY, method=6)
                        click.echo(f"{picture}: {picture.stat().st_size / 1000:.0f} kB")
        finally:
            browser.driver.quit()


@click.command(help=__doc__)
@click.option("--only", multiple=True, type=click.Choice(list(PAGES)))
@click.option("--workspace", type=click.Path(path_type=Path), help="Made where it is not there yet.")
@click.option("--photos", default=110, show_default=True, help="Drawn photos that are voted on.")
@click.option("--fresh", default=40, show_default=True, help="… and that nobody has seen.")
@click.option("--seed", default=0, show_default=True)
@click.option("--images", type=click.Path(path_type=Path), default=IMAGES, help="[default: docs/images]")
def main(
    only: tuple[str, ...], workspace: Path | None, photos: int, fresh: int, seed: int, images: Path
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        at = workspace or Path(folder) / "drawn"
        if not (at / CONFIG_NAME).exists():
            drawn_team(at, photos, fresh, seed).store.close()
        take(at, list(only or PAGES), images)


if __name__ == "__main__":
    main()

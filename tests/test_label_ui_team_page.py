"""The entrance and the Team page in headless Chromium: an owner, a guest, keys alone, and a phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from browser import Page, until
from click.testing import CliRunner
from label_server import served
from new_workspace import new_workspace

from db.workspace import Workspace
from label_ui.cli import main

AddFaces = Callable[[Workspace, int], tuple[int, ...]]
PASSWORD = "four words that rhyme"
LONG = "Bernadette Élisabeth-Charlotte de la Rochefoucauld-Montmorency"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, add_faces: AddFaces) -> Iterator[Any]:
    with new_workspace(tmp_path_factory.mktemp("team") / "faces") as workspace:
        add_faces(workspace, 6)
        with served(workspace, password=PASSWORD) as server:
            yield server


@pytest.fixture(scope="module")
def browsers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Page, Page]]:
    """An owner's and a guest's."""
    owner, guest = (Page(tmp_path_factory.mktemp(who)) for who in ("owner", "guest"))
    yield owner, guest
    for page in (owner, guest):
        page.driver.quit()


def test_a_team_comes_together_by_keys_and_links(browsers: tuple[Page, Page], server: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    owner, guest = browsers
    for page in browsers:
        page.size(1280, 900)
    owner.driver.get(f"{server.url}/team")
    until(lambda: owner.focused() == "mq-name")  # the entrance, its first field ready
    owner.keys("Olga", Keys.TAB, "wrong", Keys.ENTER)
    until(lambda: "do not match" in owner.text("#mq-error"))
    assert owner.focused() == "mq-password"
    owner.keys(PASSWORD, Keys.ENTER)
    until(lambda: "Olga" in owner.text("#mq-team-people"))  # and back on the page asked for
    assert owner.script("location.pathname") == "/team"

    owner.script("document.querySelector('#mq-team-invite').focus()")
    owner.keys(Keys.ENTER)
    until(lambda: owner.shown("#mq-team-dialog form"))
    owner.keys(LONG, Keys.ENTER)  # the first field is the name
    link = until(lambda: owner.text(".mq-link"))
    assert link.startswith(f"{server.url}/join/") and owner.focused() == "Copy"
    owner.keys(Keys.ESCAPE)
    until(lambda: not owner.shown("#mq-team-dialog"))
    until(lambda: LONG in owner.text("#mq-team-links"))

    guest.driver.get(link)
    until(lambda: LONG in guest.text("h1"))
    guest.keys(Keys.TAB, Keys.ENTER)  # no password: it is optional
    until(lambda: LONG in (guest.script("document.querySelector('#mq-nav-me')?.title") or ""))
    guest.driver.get(f"{server.url}/team")
    until(lambda: LONG in guest.text("#mq-team-people"))
    assert not guest.shown("#mq-team-invite") and not guest.shown("#mq-team-people select")
    assert "Campaigns" not in guest.text("#mq-nav")
    assert "Campaigns" in owner.text("#mq-nav")

    until(lambda: LONG in owner.text("#mq-team-people"))  # it comes by itself
    role = owner.driver.find_element("xpath", f"//tr[contains(., '{LONG[:20]}')]//select")
    role.send_keys("Curator")
    until(lambda: "Curator" in owner.text("#mq-team-toast"))
    guest.driver.refresh()
    until(lambda: "Campaigns" in guest.text("#mq-nav"))

    owner.driver.find_element("xpath", f"//tr[contains(., '{LONG[:20]}')]//button[.='Disable']").click()
    until(lambda: owner.shown("#mq-team-dialog .is-danger"))
    owner.driver.find_element("css selector", "#mq-team-dialog .is-danger").click()
    until(lambda: "disabled" in owner.text("#mq-team-people"))
    until(lambda: guest.shown("#mq-banner") and "login has ended" in guest.text("#mq-banner"))
    noise = ("401", "autocomplete")  # the wrong password
    assert [e for e in owner.driver.get_log("browser") if not any(n in e["message"] for n in noise)] == []


def test_the_menu_works_by_keys_and_the_look_stays(browsers: tuple[Page, Page], server: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    owner, _ = browsers
    owner.driver.get(f"{server.url}/team")
    until(lambda: "Olga" in owner.text("#mq-nav-me"))
    owner.script("document.querySelector('#mq-nav-me').focus()")
    owner.keys(Keys.ENTER)
    until(lambda: owner.focused() == "As the system")
    owner.keys(Keys.DOWN, Keys.DOWN, Keys.ENTER)
    until(lambda: owner.script("document.documentElement.dataset.theme") == "dark")
    assert owner.focused() == "Dark"
    owner.keys(Keys.ESCAPE)
    assert owner.focused() == "mq-nav-me" and not owner.shown("#mq-nav-menu")
    owner.driver.get(f"{server.url}/login")
    assert owner.script("document.documentElement.dataset.theme") == "dark"
    owner.script("localStorage.clear()")


@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_of_the_team_page_can_be_read_and_nothing_sticks_out(
    browsers: tuple[Page, Page], server: Any, width: int, theme: str
) -> None:
    owner, _ = browsers
    owner.driver.get(f"{server.url}/login")
    owner.script(f"localStorage.setItem('mimique.theme', '{theme}')")
    owner.size(width, 900)
    owner.driver.get(f"{server.url}/team")
    until(lambda: "Olga" in owner.text("#mq-team-people"))
    assert owner.script("document.documentElement.scrollWidth") <= width
    assert owner.driver.execute_script(CONTRASTS) == []
    touched = "[...document.querySelectorAll('#mq-nav button, #mq-team button, #mq-team select')]"
    assert (
        owner.script(f"Math.min(...{touched}.filter(e => e.checkVisibility()).map(e => e.offsetHeight))")
        >= 36
    )


def test_a_list_without_links_says_what_to_type(workspace: Workspace) -> None:
    ran = CliRunner().invoke(main, ["invite", "--list", "--workspace", str(workspace.path)])
    assert ran.exit_code == 0 and ran.stdout == ""
    assert "no link holds now" in ran.stderr and "label invite --name NAME" in ran.stderr


def test_a_page_that_becomes_narrow_keeps_its_tab_in_view_and_fades_what_is_cut(
    browsers: tuple[Page, Page], server: Any
) -> None:
    owner, _ = browsers
    owner.size(1280, 900)
    owner.driver.get(f"{server.url}/campaigns")
    bar = "document.querySelector('#mq-nav nav')"
    until(lambda: "Campaigns" in owner.text("#mq-nav nav") and owner.text("#mq-nav-me").startswith("Olga"))
    assert owner.script(f"{bar}.className") == "mq-nav-pages"
    owner.size(400, 900)
    edges = f"((here, bar) => here.left >= bar.left && here.right <= bar.right)(\
        {bar}.querySelector('[aria-current]').getBoundingClientRect(), {bar}.getBoundingClientRect())"
    until(lambda: owner.script(edges))
    until(lambda: owner.script(f"{bar}.className") == "mq-nav-pages is-cut-before")
    owner.script(f"({bar}.scrollLeft = 0)")
    until(lambda: owner.script(f"{bar}.className") == "mq-nav-pages is-cut-after")
    assert "transparent" in owner.script(f"getComputedStyle({bar}).maskImage") or "rgba(0, 0, 0, 0)" in (
        owner.script(f"getComputedStyle({bar}).maskImage")
    )


# Every visible text with less than 4.5:1 (3:1 when large) against the colours behind it.
CONTRASTS = """
const numbers = (colour) => (colour.match(/[\\d.]+/g) || []).map(Number);
const parts = (colour) => numbers(colour).map((n, i) => (colour.startsWith("color(") && i < 3 ? n * 255 : n));
const channel = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const behind = (at) => {
  for (; at; at = at.parentElement) {
    const [r, g, b, a = 1] = parts(getComputedStyle(at).backgroundColor);
    if (a > 0.9 && r !== undefined) return [r, g, b];
  }
  return [255, 255, 255];
};
const bad = [];
const walker = document.createTreeWalker(document.querySelector(".gradio-container"), NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const at = walker.currentNode.parentElement, text = walker.currentNode.textContent.trim();
  if (!text || !at.checkVisibility() || at.closest("style, option, .mq-unseen, footer")) continue;
  const style = getComputedStyle(at);
  const [a, b] = [light(parts(style.color)), light(behind(at))].sort((x, y) => y - x);
  const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.6 && style.fontWeight >= 700);
  if ((a + 0.05) / (b + 0.05) < (large ? 3 : 4.5)) bad.push([text.slice(0, 40), style.color, behind(at).join()]);
}
return bad;
"""

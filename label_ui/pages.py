"""The pages of the workbench: one line each in ``PAGES``; a page is a template, scripts and a role.

To add one: put ``NAME.html`` and ``NAME.js`` (and ``NAME.css`` where wanted) into
``label_ui/page/``, add its line to ``PAGES``, its title as ``page_NAME`` to both languages of
``strings_NAME.json``, and its desk to ``label_ui.desks.desks_of``. Its scripts run as one function, after call.js:
they may use ``element``, ``setup``, ``call``, ``t``, ``node`` and ``whoami`` (see ``page/call.js``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from db.records.people import Role

SHARED_SCRIPTS = ("call.js", "nav.js")
SHARED_STYLES = ("style.css",)


@dataclass(frozen=True, slots=True)
class Page:
    """One page: ``name`` also finds its title, ``route`` is its path; ``needs`` is who sees it in the bar."""

    name: str
    route: str
    template: str
    scripts: tuple[str, ...]
    styles: tuple[str, ...] = ()
    needs: Role = "voter"


PAGES: tuple[Page, ...] = (
    Page(
        "vote",
        "/",
        "vote.html",
        (
            *("memory.js", "stopwatch.js", "keys.js", "outbox.js", "tabs.js", "deck.js"),
            *("windows.js", "mine.js", "chooser.js", "screen.js", "sitting.js", "workbench.js", "start.js"),
        ),
        ("vote.css",),
    ),
    Page(
        "review",
        "/review",
        "review.html",
        ("memory.js", "keys.js", "actions.js", "decide.js", "review.js"),
        ("actions.css", "review.css"),
        needs="curator",
    ),
    Page(
        "gallery",
        "/gallery",
        "gallery.html",
        ("memory.js", "keys.js", "actions.js", "decide.js", "gallery_filters.js", "gallery.js"),
        ("actions.css", "gallery.css"),
        needs="curator",
    ),
    Page("agreement", "/agreement", "agreement.html", ("plots.js", "agreement.js"), ("agreement.css",)),
    Page("team", "/team", "team.html", ("team.js",), ("team.css",)),
    Page(
        "campaigns",
        "/campaigns",
        "campaigns.html",
        ("campaign_form.js", "campaigns.js"),
        ("campaigns.css",),
        needs="curator",
    ),
)


def page_html(page: Page) -> str:
    """The page's style, the bar and the page itself, as the template of one ``gr.HTML``."""
    styles = "\n".join(_text(name) for name in (*SHARED_STYLES, *page.styles))
    return f"<style>{styles}</style>{_text('nav.html')}{_text(page.template)}"


def page_script(page: Page) -> str:
    """All scripts of the page as the body of one function; call.js makes ``setup`` from what it is handed."""
    scripts = "\n".join(_text(name) for name in (*SHARED_SCRIPTS, *page.scripts))
    return (
        f"((element, props) => {{\n{scripts}\n}})(element, props);"  # so that no name meets one of Gradio's
    )


def navigation() -> list[Mapping[str, str]]:
    """What the bar shows: name, path and needed role of every page, in order."""
    return [{"name": page.name, "route": page.route, "needs": page.needs} for page in PAGES]


@cache
def strings(page: str = "") -> Mapping[str, Mapping[str, str]]:
    """All texts by language and key, from every ``strings*.json``; where two say one key, the page's own holds."""
    texts: dict[str, dict[str, str]] = {}
    folder = files("label_ui").joinpath("page")
    own = f"strings_{page}.json"
    names = sorted(file.name for file in folder.iterdir() if file.name.startswith("strings"))
    for name in sorted(names, key=lambda name: name == own):
        tables: dict[str, dict[str, str]] = json.loads(_text(name))
        for lang, table in tables.items():
            texts.setdefault(lang, {}).update(table)
    return texts


def page_file(name: str) -> str:
    """The text of a file of ``label_ui/page``."""
    return _text(name)


def _text(name: str) -> str:
    return files("label_ui").joinpath("page", name).read_text(encoding="utf-8")

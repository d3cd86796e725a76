"""The commands ``label campaign``: what people are asked about which faces."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from db.command import CommandGroup, counted, tally, workspace_option

if TYPE_CHECKING:
    from db.records.campaigns import Campaign
    from db.workspace import Workspace

Options = Callable[[Callable[..., Any]], Callable[..., Any]]
_AT_LEAST_1 = click.IntRange(1)


@click.group("campaign", cls=CommandGroup)
def campaign() -> None:
    """Campaigns: a question put to people about some faces. The first, "main", is always there.

    \b
    Examples:
      label campaign list
      label campaign create "is it anger?" --question verify --about angry --class angry
      label campaign change main --overlap fixed --most 3
      label campaign close "is it anger?"
    """


def _steering(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that can change while people vote; what is not given stays as it is."""
    options = (
        click.option(
            "--overlap",
            type=click.Choice(["adaptive", "fixed", "majority"]),
            help="When a face has votes enough. [default: adaptive]",
        ),
        click.option("--least", type=_AT_LEAST_1, help="adaptive: votes on every face. [default: 2]"),
        click.option(
            "--lead", type=_AT_LEAST_1, help="adaptive: more until one answer leads by so many. [default: 2]"
        ),
        click.option("--most", type=_AT_LEAST_1, help="adaptive, fixed: votes at the most. [default: 5]"),
        click.option("--team", type=_AT_LEAST_1, help="majority: how many people the team has."),
        click.option("--rule", help="How votes become labels: see curate consensus. [default: auto]"),
        click.option(
            "--blind/--open", default=None, help="Hide others' votes, or show them after one's own."
        ),
        click.option(
            "--order",
            "ordering",
            type=click.Choice(["teach", "age", "random", "class"]),
            help="Which faces come first. [default: teach]",
        ),
        click.option(
            "--voter", "voters", multiple=True, metavar="NAME", help="Ask only this person; repeatable."
        ),
        click.option("--suggest", metavar="RUN", help="Show voters what this run sees."),
        click.option(
            "--hidden",
            type=click.FloatRange(0, 1),
            help="The share of faces where it is hidden. [default: 0.2]",
        ),
        click.option(
            "--gold", type=click.FloatRange(0, 0.5), help="The share of known faces mixed in. [default: 0]"
        ),
        click.option(
            "--tell", is_flag=True, default=None, help="Say at once whether a known face was right."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@campaign.command("list")
@workspace_option
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_campaigns(workspace: Path, as_json: bool) -> None:
    """List the campaigns and how far they are.

    \b
    Example:
      label campaign list
    """
    from db.workspace import open_workspace

    opened = open_workspace(workspace)
    rows = [_row(opened, found) for found in opened.store.campaigns.all()]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        counts = tally({"faces done": row["done"], "open": row["open"]})
        click.echo(f"{row['name']}: {row['question']}, {counts}{', closed' if row['closed'] else ''}")


@campaign.command("create")
@workspace_option
@click.argument("name")
@click.option("--question", type=click.Choice(["choose", "verify"]), default="choose", show_default=True)
@click.option(
    "--classes", default="", help="The classes to choose from: happy,angry. [default: the workspace's]"
)
@click.option(
    "--about", default="", help="verify: the class asked about. [default: each face's candidate class]"
)
@click.option("--several", is_flag=True, help="choose: a face may show more than one.")
@click.option("--class", "candidate_class", help="Only faces of this candidate class.")
@click.option("--harvest", "harvest_id", type=int, help="Only faces of this harvest.")
@click.option("--run", "run_id", help="Only faces that this run is unsure about.")
@click.option(
    "--margin",
    "most_margin",
    type=float,
    help="How unsure: its two strongest classes at most so far apart, 0 to 1.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Of the random order, and of what is hidden."
)
@_steering
def create(
    workspace: Path,
    name: str,
    question: str,
    classes: str,
    about: str,
    several: bool,
    candidate_class: str | None,
    harvest_id: int | None,
    run_id: str | None,
    most_margin: float | None,
    seed: int,
    **steering: Any,
) -> None:
    """Make a campaign NAME.

    \b
    Examples:
      label campaign create "is it anger?" --question verify --about angry --class angry
      label campaign create doubts --run 7c1d --margin 0.2 --voter Ana --voter Bob
    """
    from db.workspace import open_workspace
    from label_ui.campaigns import CampaignDesk
    from label_ui.people import at_terminal

    picks = {"candidate_class": candidate_class, "harvest_id": harvest_id, "run_id": run_id}
    form = {
        "name": name,
        "question": question,
        "classes": [text.strip() for text in classes.split(",") if text.strip()],
        "about": about,
        "several": several,
        "picks": _given({**picks, "most_margin": most_margin}),
        "seed": seed,
        **_form(steering, None),
    }
    opened = open_workspace(workspace)
    made = CampaignDesk(opened).campaign_make(at_terminal(), form)
    click.echo(f"{name}: {counted(made['faces'], 'faces')} to vote on")


@campaign.command("change")
@workspace_option
@click.argument("name")
@click.option("--rename", help="Another name.")
@_steering
def change(workspace: Path, name: str, rename: str | None, **steering: Any) -> None:
    """Change campaign NAME while people vote; no vote is lost.

    \b
    Example:
      label campaign change main --overlap fixed --most 3
    """
    from db.workspace import open_workspace
    from label_ui.campaigns import CampaignDesk
    from label_ui.people import at_terminal

    opened = open_workspace(workspace)
    found = _named(opened, name)
    form = _given({"name": rename}) | _form(steering, found)
    CampaignDesk(opened).campaign_change(at_terminal(), found.id, form)
    row = _row(opened, opened.store.campaigns.get(found.id))
    click.echo(f"{row['name']}: {tally({'faces done': row['done'], 'open': row['open']})}")


@campaign.command("close")
@workspace_option
@click.argument("name")
@click.option("--reopen", is_flag=True, help="Hand out its faces again.")
def close(workspace: Path, name: str, reopen: bool) -> None:
    """Hand out no more faces of campaign NAME; a vote that comes late still counts.

    \b
    Examples:
      label campaign close "is it anger?"
      label campaign close "is it anger?" --reopen
    """
    from db.workspace import open_workspace

    campaigns = (opened := open_workspace(workspace)).store.campaigns
    changed = (campaigns.reopen if reopen else campaigns.close)(_named(opened, name).id)
    click.echo(f"{changed.name} is {'open' if changed.closed_at is None else 'closed'}")


def _named(workspace: Workspace, name: str) -> Campaign:
    from db.errors import NotFoundError

    found = workspace.store.campaigns.by_name(name)
    if found is None:
        raise NotFoundError(f"there is no campaign {name!r}", hint="list them: label campaign list")
    return found


def _row(workspace: Workspace, found: Campaign) -> dict[str, Any]:
    counts = workspace.store.queue.counts(found.id)
    return {
        "id": found.id,
        "name": found.name,
        "question": found.question,
        "open": counts.open,
        "done": counts.done,
        "closed": found.closed_at is not None,
    }


def _form(steering: dict[str, Any], before: Campaign | None) -> dict[str, Any]:
    """The options as the Campaigns page's form has them; parts that are not given stay as they were."""
    given = _given(steering)
    form: dict[str, Any] = {name: given[name] for name in ("rule", "blind", "ordering") if name in given}
    overlap = _given(
        {"kind": given.get("overlap"), **{k: given.get(k) for k in ("least", "lead", "most", "team")}}
    )
    if overlap:
        form["overlap"] = {**_fields(before and before.overlap), **overlap}
        _check_overlap(form["overlap"])
    if given.get("voters"):
        form["voters"] = list(given["voters"])
    if "suggest" in given or "hidden" in given:
        new = _given({"run_id": given.get("suggest"), "hidden_share": given.get("hidden")})
        form["suggest"] = {**_fields(before and before.suggest), **new}
    if "gold" in given or "tell" in given:
        new = _given({"share": given.get("gold"), "feedback": "at once" if given.get("tell") else None})
        form["gold"] = {**_fields(before and before.gold), **new}
    return form


def _check_overlap(values: dict[str, Any]) -> None:
    """Say in the options' words what makes no overlap; ``values`` are those given, or held so far."""
    from db.errors import InputError
    from db.overlap import Overlap

    values = _fields(Overlap()) | values
    if values["kind"] == "adaptive" and values["least"] > values["most"]:
        raise InputError(
            f"--least {values['least']} is more than --most {values['most']}",
            hint="give both, such as: --least 2 --most 5",
        )
    if values["kind"] == "majority" and not values["team"]:
        raise InputError("--overlap majority needs the team's size", hint="give it, such as: --team 5")


def _fields(record: Any) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(record) if record is not None else {}


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}

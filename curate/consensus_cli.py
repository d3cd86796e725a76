"""The command ``curate consensus``."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from db.command import counted, say, say_next, tally, workspace_option
from db.errors import ConfigError, InputError

if TYPE_CHECKING:
    from curate.outcome import Terms
    from db.workspace import Workspace

_SHOWN_BAD_LINES = 20


@click.command("consensus")
@workspace_option
@click.option(
    "--votes",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="A file of question,worker,answer, or of counts, instead of a workspace; - is standard input. The answers "
    "unsure, not_a_face, artificial, unusable and offensive are no classes; upper and lower case are one.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where the labels of --votes go. [default: the terminal]",
)
@click.option(
    "--rule",
    help="auto, majority (absolute), plurality, dawid-skene, glad or mace. "
    "[default: the campaign's own; auto for --votes]",
)
@click.option("--campaign", default="", help="Decide by this campaign's votes alone. [default: all votes]")
@click.option("--run", default="", help="A run whose view of faces new to it counts too; with auto.")
@click.option(
    "--min-votes",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Faces with fewer voters stay undecided.",
)
@click.option(
    "--least-confidence",
    type=click.FloatRange(0, 1),
    help="Faces decided with less stay undecided. [default: 0.5 in a workspace, but 0 for rules that count "
    "votes, and 0 for --votes]",
)
@click.option(
    "--ties",
    type=click.Choice(["leave", "draw"]),
    help="Leave a tie undecided, or draw among the tied classes. [default: leave; draw for --votes]",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="For --ties draw.")
@click.option(
    "--undo",
    is_flag=True,
    help="Take back the newest run that changed anything; what held before holds again.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the tally as JSON.")
def consensus_command(
    workspace: Path,
    votes: Path | None,
    out: Path | None,
    rule: str | None,
    campaign: str,
    run: str,
    min_votes: int,
    least_confidence: float | None,
    ties: Literal["leave", "draw"] | None,
    seed: int,
    undo: bool,
    as_json: bool,
) -> None:
    """Decide each face's label from its votes; earlier decisions are kept in its history.

    \b
    Examples:
      curate consensus                              people's skills are learnt from the votes
      curate consensus --run yolo11n                a run's out-of-fold view is one more voter
      curate consensus --rule majority --min-votes 3
      curate consensus --campaign "second round"
      curate consensus --undo                       take the newest run back
      curate consensus --votes answers.csv --rule auto --out labels.csv
      grep -v robot answers.csv | curate consensus --votes -

    A face that most voters flag as no face, artificial or unusable is rejected. The labels of --votes have the
    columns question,label,confidence,votes,rule,reason and p_CLASS for each class.
    """
    from curate.consensus import known_rule
    from curate.decide import rule_of_campaign
    from db.whole_file import is_stdout
    from db.workspace import open_workspace

    if undo:
        if votes is not None or out is not None or rule or campaign or run:
            raise ConfigError("--undo takes a whole run back, whatever it was", hint="give --undo alone")
        _undo(open_workspace(workspace), as_json)
        return
    if votes is None and out is not None:
        raise ConfigError("--out is for the labels of a file of votes", hint="add --votes answers.csv")
    if votes is not None and (run or campaign):
        wrong = "--run" if run else "--campaign"
        raise ConfigError(f"{wrong} is for the faces of a workspace", hint=f"leave out {wrong} or --votes")
    opened = open_workspace(workspace) if votes is None else None
    rule = rule or ("auto" if opened is None else rule_of_campaign(opened, campaign))
    known_rule(rule)
    terms = _terms(rule, opened is None, least_confidence, ties)
    terms = replace(terms, min_votes=min_votes, seed=seed)
    if opened is not None:
        _decide_workspace(opened, _Question(rule, campaign, run), terms, as_json)
    elif votes is not None:
        _decide_file(votes, None if out is None or is_stdout(out) else out, rule, terms, as_json)


@dataclass(frozen=True, slots=True)
class _Question:
    """What a workspace is asked to decide, and by whose votes."""

    rule: str
    campaign: str
    run: str


def _terms(
    rule: str, of_file: bool, least_confidence: float | None, ties: Literal["leave", "draw"] | None
) -> Terms:
    from curate.decide import workspace_terms
    from curate.outcome import Terms

    terms = Terms(ties="draw") if of_file else workspace_terms(rule)
    if least_confidence is not None:
        terms = replace(terms, least_confidence=least_confidence)
    return replace(terms, ties=ties) if ties else terms


def _decide_workspace(workspace: Workspace, asked: _Question, terms: Terms, as_json: bool) -> None:
    from curate.decide import decide_labels

    done = decide_labels(workspace, asked.rule, terms, asked.run, asked.campaign)
    if as_json:
        click.echo(json.dumps(asdict(done)))
        return
    extra = {"no agreement": done.undecided, "rejected": done.rejected, "decisions changed": done.changed}
    if done.confirmed:
        extra["confirmed after new votes"] = done.confirmed
    if done.withdrawn:
        extra["withdrawn with their votes"] = done.withdrawn
    click.echo(tally({**done.by_class, **extra}))
    if done.waiting:
        say(
            f"the campaign still asks about {counted(done.waiting, 'faces')} with votes; they keep what they had"
        )
    if done.early:
        say(
            f"{counted(done.early, 'faces')} decided by the votes so far: an open campaign still asks for more"
        )
    if done.strangers:
        say(f"{done.strangers:,} votes are for a class this workspace no longer has; they were left out")
    if not (any(done.by_class.values()) or done.undecided or done.rejected or done.waiting or done.strangers):
        say(f"{f'campaign {asked.campaign!r}' if asked.campaign else 'this workspace'} has no votes yet")
    if any(done.by_class.values()):
        say_next(workspace.path, "curate split --ratios 20:4:1")


def _undo(workspace: Workspace, as_json: bool) -> None:
    from curate.decide import undo_decisions

    undone = undo_decisions(workspace)
    if as_json:
        told = {"batch": undone.batch, "at": undone.at.isoformat(), "faces": undone.faces} if undone else {}
        click.echo(json.dumps({"batch": "", "at": "", "faces": 0} | told))
    elif undone is None:
        click.echo("nothing to undo: no consensus run is left to take back")
    else:
        click.echo(
            f"took back the consensus of {undone.at:%Y-%m-%d %H:%M:%S} UTC on {counted(undone.faces, 'faces')}; "
            "what held before it holds again"
        )


def _decide_file(votes: Path, out: Path | None, rule: str, terms: Terms, as_json: bool) -> None:
    from curate.answers import read_answers
    from curate.label_file import decide_answers
    from curate.table_text import source_name
    from db.whole_file import check_not_read

    source = source_name(votes)
    if out is not None:
        check_not_read(out, votes, told="the file of votes")
    answers = read_answers(votes)
    if not len(answers.table):
        why = (
            f"every line was left out, first {answers.bad[0]}"
            if answers.bad
            else "no line below its first has one"
        )
        raise InputError(
            f"{source} has no votes: {why}", hint="give a line for each vote: question,worker,answer"
        )
    done = decide_answers(answers, out or sys.stdout, rule, terms)
    for note in done.notes:
        say(f"{source}: {note}")
    for bad in done.bad[:_SHOWN_BAD_LINES]:
        say(f"{source}, {bad}; left out")
    if len(done.bad) > _SHOWN_BAD_LINES:
        say(f"{source}: left out {counted(len(done.bad) - _SHOWN_BAD_LINES, 'lines')} more")
    text = json.dumps(done.counts()) if as_json else tally(done.counts())
    if out is None:
        say(text)
    else:
        click.echo(text)

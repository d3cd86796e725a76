"""The command ``curate agreement``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from db.command import say, workspace_option

if TYPE_CHECKING:
    from curate.agreement import Agreement
    from curate.agreement_sheets import Names


@click.command("agreement")
@workspace_option
@click.option(
    "--campaign", default="", help="Only the votes of this campaign. [default: all that ask to choose]"
)
@click.option(
    "--votes",
    type=click.Path(path_type=Path, allow_dash=True),
    help="A file of question,worker,answer, or of counts as FER+ has them; - is standard input; no workspace needed. "
    "Upper and lower case are one.",
)
@click.option(
    "--csv",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write every table there as a CSV file.",
)
@click.option("--json", "as_json", is_flag=True, help="Print all tables as JSON.")
def agreement_command(
    workspace: Path, campaign: str, votes: Path | None, folder: Path | None, as_json: bool
) -> None:
    """Say how far people agree: alpha and kappa, who mixes up what, each voter, and what one more vote is worth.

    \b
    Examples:
      curate agreement
      curate agreement --campaign verify-angry --csv agreement
      curate agreement --votes answers.csv --json

    "Unsure" and flags count as answers. The human ceiling says how often one more person would match what the
    others agree on: no model can be asked for much more.
    """
    found, person, face = _from_file(votes) if votes else _from_store(workspace, campaign)
    from curate.agreement_sheets import sheets, write_sheets

    if folder:
        paths = write_sheets(sheets(found, person, face), folder, votes)
        say(f"{len(paths)} tables written to {folder}")
    if as_json:
        import json

        click.echo(json.dumps(sheets(found, person, face), ensure_ascii=False))
    elif not folder:
        from rich.console import Console

        from curate.agreement_text import print_agreement

        print_agreement(found, person, Console())


def _from_file(path: Path) -> tuple[Agreement, Names, Names]:
    from curate.agreement import agreement
    from curate.answers import read_answers
    from curate.said import said
    from curate.table_text import source_name

    answers = read_answers(path)
    for note in answers.notes:
        say(f"{source_name(path)}: {note}")
    if answers.bad:
        say(f"{source_name(path)}: left out {len(answers.bad):,} of its lines, first {answers.bad[0]}")
    found = agreement(said(answers.table))
    return found, lambda worker: answers.workers[worker], lambda question: answers.questions[question]


def _from_store(workspace: Path, campaign: str) -> tuple[Agreement, Names, Names]:
    from curate.agreement_votes import store_agreement
    from db.errors import NotFoundError
    from db.workspace import open_workspace

    opened = open_workspace(workspace)
    chosen = opened.store.campaigns.by_name(campaign) if campaign else None
    if campaign and chosen is None:
        known = ", ".join(each.name for each in opened.store.campaigns.all())
        raise NotFoundError(f"there is no campaign {campaign!r}", hint=f"the campaigns are: {known}")
    found, asked = store_agreement(opened.store, opened.settings.classes, chosen.id if chosen else None)
    if asked.left_out:
        say(
            f"{asked.left_out:,} votes answer another question or name a class that is gone; they were left out"
        )
    names = {who.id: who.name for who in opened.store.annotators.all()}
    return found, lambda person: names.get(person, str(person)), str

"""The commands ``label import`` and ``label export``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from db.command import say, tally, workspace_option
from db.errors import ConfigError, InputError

if TYPE_CHECKING:
    from label_ui.exchange_pictures import PicturesTally
    from label_ui.exchange_report import ImportReport

FORMATS = ("csv", "jsonl", "crowd", "ferplus", "label-studio", "label-studio-crops", "cvat", "fiftyone")


@click.command("import")
@workspace_option
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--format", "kind", type=click.Choice(FORMATS), help="What the file is. [default: it shows]")
@click.option(
    "--with-pictures",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Collect the pictures of this folder, and make faces of those the file names.",
)
@click.option("--campaign", default="", help="Put all votes into this campaign. [default: as the file says]")
@click.option("--voter", default="", help="Who cast the votes that the file gives nobody's name.")
@click.option(
    "--map",
    "pairs",
    multiple=True,
    metavar="THEIRS=OURS",
    help="The file's name for a class and this workspace's; may be given often.",
)
@click.option("--dry-run", is_flag=True, help="Read, check and count everything, and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole report as JSON.")
def import_command(
    workspace: Path,
    file: Path,
    kind: str | None,
    with_pictures: Path | None,
    campaign: str,
    voter: str,
    pairs: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
) -> None:
    """Add votes from a FILE of this or another tool.

    \b
    Examples:
      label import votes.csv                              from another workspace, undos and all
      label import answer.csv --map 2=happy               question,worker,answer; "2" is our class happy
      label import votes.csv --with-pictures fer/         FER+: its counts, and its pictures as faces
      label import project-1.json --with-pictures media/  from Label Studio
      label import annotations.xml --voter Ana            from CVAT, where boxes have no author
      label import votes.csv --dry-run                    what it would do

    Faces are found by content, then by the picture's name and the box. The same file again adds nothing;
    interrupted, the same command goes on. Votes without a name stay anonymous: numbered places on each face,
    never one person. The file's name is part of theirs, so keep it when you import a file again. A vote whose time
    the file does not say never replaces what its person has said here, nor in a line before. A file of which no face
    is here, nor, with --with-pictures, its picture in DIR, changes nothing.
    """
    from db.workspace import open_workspace
    from label_ui.exchange_formats import format_named, format_of
    from label_ui.exchange_import import import_votes
    from label_ui.exchange_report import ImportRule
    from label_ui.exchange_text import check_lasting

    if dry_run and with_pictures is not None:
        raise ConfigError("--dry-run collects no pictures", hint="leave out --dry-run or --with-pictures")
    rule = ImportRule(_classes(pairs), campaign, voter)
    check_lasting(file)
    opened = open_workspace(workspace)
    found = format_named(kind) if kind else format_of(file)
    say(f"reading {file} as {found.name}")
    pictures: PicturesTally | None = None
    if with_pictures is not None:
        from label_ui.exchange_pictures import import_pictures

        pictures = import_pictures(opened, with_pictures, found.read(file))
        if pictures.wanted:
            say(f"pictures: {tally(pictures.harvest.counts())}; {tally(pictures.counts())}")
    files = pictures.files if pictures else None
    report = import_votes(opened, file, found, rule, files=files, dry_run=dry_run)
    click.echo(json.dumps(report.as_json(), ensure_ascii=False) if as_json else _told(report))
    if not as_json:
        _explain(report, with_pictures is not None)
    if report.no_face_here:
        raise _no_face(file, with_pictures, pictures)
    if pictures and not pictures.wanted:
        say(f"{file} is about no picture of {with_pictures}, so none was collected")


def _no_face(file: Path, folder: Path | None, pictures: PicturesTally | None) -> InputError:
    """The error of a file about faces of which none is here."""
    told = f"none of the faces that {file} is about is here"
    if pictures is None:
        hint = "with its pictures at hand: --with-pictures DIR; or collect them and run curate faces first"
        return InputError(f"{told}; nothing was imported", hint=hint)
    if not pictures.wanted:
        hint = "name the folder that has them, called there as in the file: --with-pictures DIR"
        return InputError(f"{told}, nor is its picture in {folder}; nothing was imported", hint=hint)
    hint = "see what became of its pictures: curate status"
    return InputError(f"{told}; no vote was imported, only pictures of {folder} were collected", hint=hint)


def _told(report: ImportReport) -> str:
    return tally(report.counts()) + ("; nothing was written" if report.rehearsed else "")


def _classes(pairs: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        theirs, sign, ours = pair.rpartition("=")
        if not (sign and theirs and ours):
            raise click.BadParameter(
                f"{pair!r} is not THEIRS=OURS, such as happiness=happy", param_hint="--map"
            )
        found[theirs] = ours
    return found


def _explain(report: ImportReport, pictures_given: bool) -> None:
    """Say what was left out, with examples, and what to type to take it in."""
    from label_ui.exchange_voted import DIFFERS

    for reason, shown in report.examples.items():
        say(f"{reason}: {'; '.join(shown)}")
    if report.unknown_classes:
        names = ", ".join(f"{name} ({count:,})" for name, count in report.unknown_classes.most_common(8))
        say(
            f"classes unknown here: {names}; add them to mimique.toml, or say which is which: --map THEIRS=OURS"
        )
    if DIFFERS in report.left_out:
        say(
            "the file does not say when those votes were cast; to have them beside those here: --campaign NAME"
        )
    if report.unknown_faces and not pictures_given and not report.no_face_here:
        say("if you have the pictures: --with-pictures DIR; or collect them and run curate faces first")


@click.command("export")
@workspace_option
@click.option(
    "--format", "kind", type=click.Choice(FORMATS), help="What to write. [default: by --out's suffix]"
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, allow_dash=True),
    required=True,
    metavar="FILE",
    help="The file to write, or - for standard output.",
)
@click.option("--campaign", default="", help="Only the votes of this campaign.")
@click.option(
    "--what",
    type=click.Choice(["all", "votes", "labels"]),
    default="all",
    show_default=True,
    help="Votes, decided labels, or both.",
)
def export_command(
    workspace: Path, kind: str | None, out: Path, campaign: str, what: Literal["all", "votes", "labels"]
) -> None:
    """Write the votes, and what was decided, for another workspace or another tool.

    \b
    Examples:
      label export --out votes.csv                      everything, undos and all; import brings it back
      label export --format crowd --out answer.csv      question,worker,answer for other rules
      label export --format label-studio --out tasks.json
      label export --format cvat --what labels --out annotations.xml
      label export --format fiftyone --out labels.json
      label export --format ferplus --out -             counts of answers, without names

    Faces are named by content. Only csv and jsonl hold everything: the campaigns with their settings, every row of
    the ledger, curators' decisions and known faces; what rules decided is written but not read back, as any
    workspace decides it anew. More votes asked for a face by sending it back are not written. The other formats
    take the votes that hold, and the command says by kind what they have no place for. The file appears whole or
    not at all.
    """
    from db.workspace import open_workspace
    from label_ui.exchange_export import export_votes
    from label_ui.exchange_formats import format_for, format_named

    chosen = format_named(kind) if kind else format_for(out)
    opened = open_workspace(workspace)
    done = export_votes(opened, chosen, out, campaign=campaign, what=what)
    say(f"{out}: {tally(done.counts())} as {chosen.name}")
    for reason, count in done.left_out.items():
        say(f"left out, as {chosen.name} has no place for it: {reason}: {count:,}")
    if chosen.name.startswith("label-studio"):
        from label_ui.format_label_studio import interface

        say(f"labelling interface for Label Studio: {interface(chosen.name, opened.settings.classes)}")

"""The umbrella command: ``mimique demo | init | doctor | models``."""

from __future__ import annotations

from pathlib import Path

import click

from db.command import command_group, say, say_next, workspace_option

main = command_group(
    "mimique",
    """From a keyword to a live facial-expression classifier: collect, curate, vote, train, try live.

    \b
    Start here:
      mimique demo                     see the whole loop run, in minutes, on drawn people
      mimique init                     make a workspace for your own project
      mimique doctor                   what is installed, and how to get what is missing

    The stages are commands of their own: collect, curate, label, train, live.
    """,
)


@main.command()
@click.option(
    "--workspace",
    "-w",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("mimique-demo"),
    show_default=True,
    help="The demo's own folder; made when it is not there.",
)
@click.option(
    "--count", type=click.IntRange(min=60), default=400, show_default=True, help="How many photos to draw."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed draws other people.")
def demo(workspace: Path, count: int, seed: int) -> None:
    """Run the whole loop on drawn people and write one HTML report.

    \b
    Example:
      mimique demo
      mimique demo --workspace /tmp/tour --count 200

    Four simulated annotators vote; nothing is downloaded and nothing leaves this machine. Interrupted, the
    same command goes on where it stopped; run again, it keeps what is done and writes the report anew.
    """
    from mimique.demo import DemoPlan, run_demo

    report = run_demo(DemoPlan(workspace=workspace, count=count, seed=seed))
    click.echo(report)


@main.command()
@workspace_option
@click.option(
    "--preset",
    type=click.Choice(["4", "7", "8"]),
    default="4",
    show_default=True,
    help="How many expression classes to start with.",
)
def init(workspace: Path, preset: str) -> None:
    """Make a workspace: a folder with a commented mimique.toml.

    \b
    Example:
      mimique init
      mimique init --workspace smiles --preset 7

    An existing mimique.toml is left as it is.
    """
    from db.workspace import CONFIG_NAME, create_workspace, read_settings

    existed = (workspace / CONFIG_NAME).exists()
    config = create_workspace(workspace, preset)
    classes = ", ".join(read_settings(workspace).classes)
    say(f"{'kept' if existed else 'made'} {config}: classes {classes}")
    say_next(workspace, "collect flickr --class angry", "collect folder PHOTOS", "collect sample --count 400")


@main.command()
@workspace_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the table.")
def doctor(workspace: Path, as_json: bool) -> None:
    """Say what is installed and found, and how to get what is missing.

    \b
    Example:
      mimique doctor
      mimique doctor --json

    Exit code 1 when something that every stage needs is missing.
    """
    from mimique.doctor import examine, print_findings

    findings = examine(workspace)
    print_findings(findings, as_json=as_json)
    if any(finding.state == "broken" for finding in findings):
        raise SystemExit(1)


@main.group()
def models() -> None:
    """List, locate and fetch model files by name.

    \b
    Example:
      mimique models list
      mimique models fetch yolo11n-cls
    """


@models.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the table.")
def models_list(as_json: bool) -> None:
    """The models Mimique knows: task, size, licence, and where each one is.

    \b
    Example:
      mimique models list
    """
    from mimique.models import print_models

    print_models(as_json=as_json)


@models.command("path")
@click.argument("name")
def models_path(name: str) -> None:
    """Print where a model's file is.

    \b
    Example:
      mimique models path mimique-face
    """
    from curate.registry import resolve

    click.echo(resolve(name))


@models.command("fetch")
@click.argument("name")
def models_fetch(name: str) -> None:
    """Download a model: its licence is shown, its size and SHA-256 are checked.

    \b
    Example:
      mimique models fetch yolo11n-cls
    """
    from mimique.models import fetch_model

    click.echo(fetch_model(name))

"""Every command's --help as one Markdown page, so that the README can hold them and a test can check it."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import click

PROGRAMS = {
    "mimique": "mimique.cli",
    "collect": "collect.cli",
    "curate": "curate.cli",
    "label": "label_ui.cli",
    "train": "train.cli",
    "live": "live.cli",
}
WIDTH = 100


def commands() -> Iterator[tuple[str, str]]:
    """(command line, its help text) of every program and subcommand, in reading order."""
    for program, module in PROGRAMS.items():
        yield from _walk(program, importlib.import_module(module).main, None)


def help_page() -> str:
    """The Markdown: a folded block for each program, with its subcommands inside."""
    blocks: dict[str, list[str]] = {}
    for line, text in commands():
        blocks.setdefault(line.split()[0], []).append(f"```text\n$ {line} --help\n{text}\n```\n")
    return "\n".join(
        f"<details><summary><code>{program} --help</code></summary>\n\n" + "\n".join(texts) + "\n</details>\n"
        for program, texts in blocks.items()
    )


def _walk(line: str, command: click.Command, parent: click.Context | None) -> Iterator[tuple[str, str]]:
    context = command.context_class(
        command, info_name=line.split()[-1], parent=parent, terminal_width=WIDTH, **command.context_settings
    )
    yield line, "\n".join(row.rstrip() for row in command.get_help(context).splitlines())
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None and not child.hidden:
                yield from _walk(f"{line} {name}", child, context)

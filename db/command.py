"""The plumbing every command line shares: the workspace option, one-line errors, exit codes.

Exit codes: 0 done · 1 something to mend (a ``MimiqueError``) · 2 a wrong command line · 130 interrupted.
``MIMIQUE_DEBUG=1`` shows the whole traceback. Options resolve default < mimique.toml < environment < flag.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, TypeVar

import click

from db.errors import FULL_DISK, ConfigError, MimiqueError, StoreError
from db.privacy import keep_dependencies_quiet
from db.threads import let_others_first, share_the_cores

AnyCommand = TypeVar("AnyCommand", bound=Callable[..., Any])
_DEFAULT_WORKSPACE, _WORKSPACE_VARIABLE = "workspace", "MIMIQUE_WORKSPACE"
_COUNTED = "campaign|crop|face|frame|label|line|photo|picture|question|row|vote|voter|worker"
_PLURAL = re.compile(rf"^((?:bad|new) )?(?:({_COUNTED})s|(people))\b")


class _Shown(click.ClickException):
    """A MimiqueError on its way to the terminal."""

    def __init__(self, error: MimiqueError) -> None:
        super().__init__(str(error))
        self.hint = error.hint

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"{click.style('error:', fg='red', bold=True)} {self.message}", err=True)
        if self.hint:
            click.echo(f"{click.style(' next:', fg='green')} {self.hint}", err=True)


class _OneLineErrors(click.Command):
    """Turns what users can cause into one line; everything else keeps its traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        keep_dependencies_quiet()
        share_the_cores()
        try:
            return super().invoke(ctx)
        except MimiqueError as error:
            if os.environ.get("MIMIQUE_DEBUG"):
                raise
            raise _Shown(error) from error
        except OSError as error:
            if error.errno not in FULL_DISK or os.environ.get("MIMIQUE_DEBUG"):
                raise
            raise _Shown(
                StoreError("the disk is full", hint="free some space and run the command again")
            ) from error
        except KeyboardInterrupt:
            click.echo("\ninterrupted: what is done is kept; the same command goes on from here", err=True)
            ctx.exit(130)


class CommandGroup(_OneLineErrors, click.Group):
    """A console script with commands of its own, such as ``collect``."""

    background = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _name_variables(self, f"MIMIQUE_{self.name}")

    def invoke(self, ctx: click.Context) -> Any:
        if self.background:
            let_others_first()
        return super().invoke(ctx)

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        super().add_command(cmd, name)
        _name_variables(cmd, f"MIMIQUE_{self.name}_{name or cmd.name}")


class SingleCommand(_OneLineErrors):
    """A console script that is one command, such as ``live``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _name_variables(self, f"MIMIQUE_{self.name}")


def _name_variables(command: click.Command, prefix: str) -> None:
    """Let every option be set by a variable named as the option is (click would take the parameter's name)."""
    for option in command.params:
        if isinstance(option, click.Option) and option.envvar is None:
            option.envvar = f"{prefix}_{_long_name(option)}".upper().replace("-", "_")


def _long_name(option: click.Parameter) -> str:
    return max(option.opts, key=len).lstrip("-")


def command_group(name: str, help_text: str, *, background: bool = False) -> CommandGroup:
    """The group behind one console script; its options can be set as MIMIQUE_<NAME>_<COMMAND>_<OPTION>.

    In the ``background`` it gives way to what people wait for, such as the server they vote through.
    """
    group = CommandGroup(name=name, help=help_text, context_settings=_settings(name), no_args_is_help=True)
    group.background = background
    return click.version_option(package_name="mimique", prog_name=name)(group)


def group_that_runs(name: str, help_text: str) -> Callable[[Callable[..., Any]], CommandGroup]:
    """A decorator: the function is what one console script does without a command, such as ``label``.

    It is called before a command too, and returns at once then: see ``click.Context.invoked_subcommand``.
    """

    def decorate(function: Callable[..., Any]) -> CommandGroup:
        made = click.group(
            name,
            cls=CommandGroup,
            help=help_text,
            context_settings=_settings(name),
            invoke_without_command=True,
            subcommand_metavar="[COMMAND [ARGS]...]",
        )
        return click.version_option(package_name="mimique", prog_name=name)(made(function))

    return decorate


def single_command(name: str, help_text: str) -> Callable[[Callable[..., Any]], SingleCommand]:
    """A decorator: the function becomes one console script; options also as MIMIQUE_<NAME>_<OPTION>."""

    def decorate(function: Callable[..., Any]) -> SingleCommand:
        made = click.command(name, cls=SingleCommand, help=help_text, context_settings=_settings(name))
        return click.version_option(package_name="mimique", prog_name=name)(made(function))

    return decorate


def _settings(name: str) -> dict[str, Any]:
    return {
        "help_option_names": ["-h", "--help"],
        "auto_envvar_prefix": f"MIMIQUE_{name.upper()}",
        "max_content_width": 100,
    }


def workspace_option(command: AnyCommand) -> AnyCommand:
    """Adds ``--workspace`` (argument ``workspace: Path``) and takes the command's defaults from its file."""
    return click.option(
        "--workspace",
        "-w",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path(_DEFAULT_WORKSPACE),
        envvar=_WORKSPACE_VARIABLE,
        show_default=True,
        is_eager=True,
        callback=_defaults_from_file,
        help="The project's folder; also $MIMIQUE_WORKSPACE.",
    )(command)


def _defaults_from_file(ctx: click.Context, parameter: click.Parameter, value: Path) -> Path:
    from db.workspace import CONFIG_NAME, read_settings

    value = _typed_before(ctx, parameter.name or "", value)
    if (value / CONFIG_NAME).exists() and not ctx.resilient_parsing:
        try:
            ctx.default_map = _file_defaults(ctx, read_settings(value).options, value / CONFIG_NAME)
        except MimiqueError as error:
            raise _Shown(error) from error
    return value


def _typed_before(ctx: click.Context, name: str, value: Path) -> Path:
    """``label -w faces people``: what was typed before the command holds, unless it is typed after it too."""
    typed = click.core.ParameterSource.COMMANDLINE
    if ctx.get_parameter_source(name) is typed:
        return value
    outer = ctx.parent
    while outer is not None:
        if outer.get_parameter_source(name) is typed:
            return Path(outer.params[name])
        outer = outer.parent
    return value


def _file_defaults(ctx: click.Context, options: Mapping[str, Any], config: Path) -> dict[str, Any]:
    """What the file says of this command's options, by parameter name. Errors: ConfigError for a strange one."""
    group = options.get(ctx.parent.command.name or "", {}) if ctx.parent else options
    mine = group.get(ctx.command.name or "", {}) if isinstance(group, Mapping) else None
    if not isinstance(mine, Mapping):
        raise ConfigError(f"{config}: [{ctx.command_path.replace(' ', '.')}] must be a section of options")
    if isinstance(ctx.command, click.Group):  # sections of its commands stand beside its own options
        mine = {name: value for name, value in mine.items() if name not in ctx.command.commands}
    names = {_long_name(option): option.name for option in ctx.command.params}
    strangers = sorted({name.replace("_", "-") for name in mine} - set(names))
    if strangers:
        raise ConfigError(
            f"{config}: {ctx.command_path} has no option {strangers[0]!r}",
            hint=f"the options are listed by: {ctx.command_path} --help",
        )
    return {str(names[name.replace("_", "-")]): default for name, default in mine.items()}


def say(text: str) -> None:
    """A line for the person at the terminal, on stderr; results go to stdout with ``click.echo``."""
    click.echo(text, err=True)


def tally(counts: dict[str, int]) -> str:
    """``{"new": 3, "faces": 1}`` as ``3 new, 1 face``."""
    return ", ".join(counted(number, what) for what, number in counts.items())


def counted(number: int, what: str) -> str:
    """``2 faces too small``, ``1 face too small``: a number and what begins with a plural, if it is a known one."""
    if number == 1:
        what = _PLURAL.sub(lambda found: f"{found[1] or ''}{found[2] or 'person'}", what)
    return f"{number:,} {what}"


def in_workspace(command: str, workspace: Path) -> str:
    """The command as it is typed for this workspace: with ``--workspace`` unless that is the usual one."""
    usual = Path(os.environ.get(_WORKSPACE_VARIABLE) or _DEFAULT_WORKSPACE)
    return command if workspace == usual else f"{command} --workspace {shlex.quote(str(workspace))}"


def say_next(workspace: Path, *commands: str) -> None:
    """Say what to type next, on stderr: one command, or one of several."""
    say(f"next: {', or '.join(in_workspace(command, workspace) for command in commands)}")


def on_terminal() -> bool:
    """Whether a person is watching stderr."""
    return sys.stderr.isatty()

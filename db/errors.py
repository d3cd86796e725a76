"""The one error tree of Mimique.

    MimiqueError            something a user can cause or mend; shown as one line, exit code 1
    ├── InputError          a file, folder or value given by the user is not what was expected
    ├── ConfigError         mimique.toml, an environment variable or an option does not make sense
    ├── NotFoundError       a workspace, run, snapshot, class or annotator that does not exist
    ├── ModelError          a model file is missing, damaged or of the wrong kind
    ├── ServiceError        an outside service (Flickr, a video site) refused or failed
    └── StoreError          the database or the blobs cannot be read or written

``message`` says what, where, what was expected and what came; ``hint`` says what to type next.
``db.command`` turns these into a line and an exit code; nothing else catches them to print.
"""

from errno import EDQUOT, ENOSPC

FULL_DISK = (ENOSPC, EDQUOT)
"""What an ``OSError`` says in ``errno`` when the disk, or the user's share of it, is full."""


class MimiqueError(Exception):
    """Something the user can mend. ``str(error)`` is one line; ``hint`` is the remedy, or empty.

    ``code`` names what happened to a page that says it in its reader's language, with these ``values``.
    """

    def __init__(self, message: str, *, hint: str = "", code: str = "", **values: object) -> None:
        super().__init__(message)
        self.hint, self.code, self.values = hint, code, values


class InputError(MimiqueError):
    """A file, folder or value from outside is not what was expected."""


class ConfigError(MimiqueError):
    """The configuration contradicts itself or names something unknown."""


class NotFoundError(MimiqueError):
    """The named thing does not exist."""


class ModelError(MimiqueError):
    """A model file is missing, damaged or of the wrong kind."""


class ServiceError(MimiqueError):
    """An outside service refused or failed after every retry."""


class StoreError(MimiqueError):
    """The database or the blob store cannot be read or written."""

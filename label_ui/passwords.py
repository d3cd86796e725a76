"""Passwords: kept as scrypt hashes, compared in constant time, hashed anew when the parameters rise."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
import unicodedata
from dataclasses import dataclass

from db.errors import InputError, ServiceError

SHORTEST, LONGEST = 8, 256  # characters
_SALT_BYTES = 16
_KEY_BYTES = 32
_AT_ONCE = threading.BoundedSemaphore(2)  # each hash holds 32 MiB: a flood of logins must not eat the machine
_WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Cost:
    """scrypt's N = 2**log2_n, r and p. OWASP's sheet on storing passwords asks for at least (15, 8, 3)."""

    log2_n: int = 15
    r: int = 8
    p: int = 3


COST = Cost()


def check_new_password(password: str) -> str:
    """The password itself when it may be used. Errors: InputError when it is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise InputError(
            f"a password has {SHORTEST} to {LONGEST} characters, got {len(password)}",
            hint="four or five words that do not belong together are easy to keep in mind",
            code="password_length",
            least=SHORTEST,
            most=LONGEST,
            n=len(password),
        )
    return password


def hash_password(password: str, cost: Cost = COST) -> str:
    """``scrypt$15$8$3$salt$key``: everything that is needed to check it later."""
    salt = secrets.token_bytes(_SALT_BYTES)
    parts = (str(cost.log2_n), str(cost.r), str(cost.p), _text(salt), _text(_derive(password, salt, cost)))
    return "$".join(("scrypt", *parts))


def is_password(password: str, hashed: str | None) -> bool:
    """Whether the password belongs to the hash. Without a hash it takes as long, and is False."""
    salt, key, cost = _parts(hashed) if hashed else (b"\0" * _SALT_BYTES, b"", COST)
    return hmac.compare_digest(_derive(password, salt, cost), key) and bool(hashed)


def is_outdated(hashed: str) -> bool:
    """Whether the hash was made at a lower cost than today's."""
    return _parts(hashed)[2] != COST


def _derive(password: str, salt: bytes, cost: Cost) -> bytes:
    same = unicodedata.normalize("NFKC", password[:LONGEST]).encode()
    n = 1 << cost.log2_n
    if not _AT_ONCE.acquire(timeout=_WAIT_S):
        raise ServiceError("too many people log in at this moment", hint="wait a moment", code="busy")
    try:
        return hashlib.scrypt(
            same, salt=salt, n=n, r=cost.r, p=cost.p, dklen=_KEY_BYTES, maxmem=256 * n * cost.r * cost.p
        )
    finally:
        _AT_ONCE.release()


def _parts(hashed: str) -> tuple[bytes, bytes, Cost]:
    """(salt, key, cost) of a hash of ours."""
    _, log2_n, r, p, salt, key = hashed.split("$")
    return base64.b64decode(salt), base64.b64decode(key), Cost(int(log2_n), int(r), int(p))


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()

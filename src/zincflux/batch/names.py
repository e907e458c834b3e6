"""Names of samples → names of folders that every file system takes."""

from __future__ import annotations

import hashlib
import unicodedata

LONGEST_BYTES = 100
"""Longest name of a folder: with the letters that staging adds it stays below any limit."""

_FORBIDDEN = set('<>:"/\\|?*')
_DEVICES = {"con", "prn", "aux", "nul", "conin$", "conout$"}
_DEVICES |= {f"{port}{n}" for port in ("com", "lpt") for n in "0123456789¹²³"}
_OF_THE_STUDY = {"figures", "wide", "study", "batch.json", "report.html"}
_ENDINGS_OF_THE_STUDY = (".parquet", ".csv", ".xlsx", ".html", ".json")


def folder_name(sample: str) -> str:
    """Name the folder of a sample: the same text wherever that is a name everywhere.

    What file systems forbid becomes ``_``, names that Windows or the study itself use get a ``_``
    in front, and what is too long is cut and told apart by a hash.

    Examples
    --------
    >>> folder_name("dish 1"), folder_name("../a:b"), folder_name("CON")
    ('dish 1', '_a_b', '_CON')
    """
    text = unicodedata.normalize("NFC", sample)
    text = "".join("_" if _is_forbidden(letter) else letter for letter in text)
    text = text.strip().lstrip(".").rstrip(". ")
    # Linux's limit is in bytes: a letter may take four.
    if len(text.encode()) > LONGEST_BYTES:
        short = text.encode()[: LONGEST_BYTES - 9].decode(errors="ignore").rstrip(". ")
        text = f"{short}-{_hash(sample)}"
    if not text:
        return f"sample-{_hash(sample)}"
    return f"_{text}" if _is_taken(text.casefold()) else text


def same_folder(name: str) -> str:
    """Give what two names share that Windows or macOS take for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _is_forbidden(letter: str) -> bool:
    # Cc controls, Cf marks that are not seen (of direction, too), Cs halves of letters,
    # Zl and Zp ends of lines.
    return letter in _FORBIDDEN or unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def _is_taken(name: str) -> bool:
    is_device = name.split(".")[0].rstrip() in _DEVICES
    return is_device or name in _OF_THE_STUDY or name.endswith(_ENDINGS_OF_THE_STUDY)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:8]

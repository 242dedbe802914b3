"""Errors that stmgpu raises. Messages name the problem, the value, what is allowed and the cure.

Messages quote file names and content, which may be hostile. Every message is therefore made printable and short here,
once, whoever shows it.
"""

from __future__ import annotations

MAX_MESSAGE = 1_000
"""Longest message of an error [characters]."""

_SINGULAR = {"are": "is", "have": "has", "were": "was"}
_KEPT_END = 300  # of 1,000 characters: the cure stands at the end


def printable(text: str, limit: int = MAX_MESSAGE) -> str:
    """Text without control characters and of limited length, for terminals, logs and pages.

    Parameters
    ----------
    text : str
        Any text.
    limit : int
        Largest length [characters]; the middle of a longer text is left out.

    Returns
    -------
    str
        The text with control, format and surrogate characters written as escapes; line ends stay.

    Examples
    --------
    >>> printable("name \\x1b[2J")
    'name \\\\x1b[2J'
    >>> printable("a" * 2000, 20)
    'aaaaaaaaa ... aaaaaa'
    """
    text = text if len(text) <= 2 * limit else text[:limit] + text[-limit:]
    if not text.isprintable():
        text = "".join(c if c.isprintable() or c == "\n" else _escaped(c) for c in text)
    if len(text) <= limit:
        return text
    end = limit * _KEPT_END // 1000
    return f"{text[: limit - end - 5]} ... {text[-end:]}"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def counted(number: int | float, noun: str, form: str = "", *, verb: str = "") -> str:
    """A number and its noun, which takes the plural but after 1.

    Parameters
    ----------
    number : int or float
        How many.
    noun : str
        In the singular; a word such as 'more' may stand before it.
    form : str
        Format of the number, such as ','.
    verb : str
        Verb that follows, in the plural.

    Examples
    --------
    >>> counted(1, "object"), counted(2_000, "candidate pair", ","), counted(1, "trajectory", verb="are")
    ('1 object', '2,000 candidate pairs', '1 trajectory is')
    """
    if number == 1:
        verb = _SINGULAR.get(verb, f"{verb}s") if verb else ""
    else:
        noun = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number:{form}} {noun} {verb}".rstrip()


class StmgpuError(Exception):
    """Base of all errors of this package; the command line turns it into exit code 1.

    Messages are at most `MAX_MESSAGE` characters long and contain no control characters but line ends.
    """

    def __init__(self, *args: object) -> None:
        super().__init__(*(printable(arg) if isinstance(arg, str) else arg for arg in args))


class InputError(StmgpuError, ValueError):
    """A file, option or argument that cannot be used as given; exit code 2 on the command line."""


class CatalogError(InputError):
    """A catalogue that cannot be read: empty, of unknown format, or with more than half of its records rejected."""


class BackendError(StmgpuError, RuntimeError):
    """A backend that is missing, was built from other sources, or failed to run."""


class KernelContractError(BackendError):
    """A kernel launched with an array of the wrong type, size or layout."""


class CapacityError(StmgpuError, RuntimeError):
    """A run that would need more memory than it may use."""


class DeviceMemoryError(CapacityError):
    """The memory of a GPU is full. Callers that can work in smaller parts do so before anybody sees it."""


class StoreError(StmgpuError, RuntimeError):
    """A store that is missing, damaged, unfinished, or of a newer schema."""


class WrongStoreError(StoreError, InputError):
    """A path without a store, or a store that cannot be used for what was asked; exit code 2 on the command line."""


class StaleElementsWarning(UserWarning):
    """Elements that are far from the window in time, or conjunctions that stand on such elements."""


class UncertainIdentityWarning(UserWarning):
    """A trajectory follows an object of the catalogue, but may be another one."""

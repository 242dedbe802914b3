"""The table of claims: what is claimed, with what it is compared, which data that takes, and the script that checks it.

It is ``benchmarks/claims.toml`` of a checkout; :mod:`stmgpu.report.reproduction` runs its scripts.
"""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stmgpu.errors import InputError
from stmgpu.files import LIMITS, file_hash, read_toml

TABLE = Path("benchmarks") / "claims.toml"
"""The table, in a checkout."""

DATA = "STMGPU_DATA"
"""Variable of the environment with the folder of the data."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Data(_Strict):
    """Files that a claim needs and that are not part of the project.

    Attributes
    ----------
    what, source, licence : str
        Contents, where to get them, and their terms.
    files : dict of str to str
        SHA-256 of each file, by its path in the folder of the data.
    """

    what: str
    source: str
    licence: str
    files: dict[str, str] = Field(min_length=1)

    def lacking(self, folder: Path | None) -> list[str]:
        """Files that are not in the folder."""
        return [name for name in self.files if folder is None or not (folder / name).is_file()]

    def altered(self, folder: Path) -> list[str]:
        """Files whose SHA-256 is another one."""
        return [name for name, digest in self.files.items() if file_hash(folder / name)[1] != digest]


class Claim(_Strict):
    """One claim.

    Attributes
    ----------
    claim, source : str
        What is claimed, and whose figures it is compared with.
    command : tuple of str
        Script in the checkout and its arguments; ``{data}`` is the folder of the data.
    data : tuple of str
        Names of the data that it needs.
    seconds : float
        CPU time on one core [s].
    tolerance : float
        Relative difference to the stored figures, which have five digits.
    unstable : tuple of str
        Patterns of names of figures that differ from machine to machine, such as rounding errors: their verdicts are
        compared, their values are not.
    optional : tuple of str
        Patterns of names of figures that need hardware or data that not everybody has.
    """

    claim: str
    source: str
    command: tuple[str, ...] = Field(min_length=1)
    data: tuple[str, ...] = ()
    seconds: float = Field(gt=0.0)
    tolerance: float = Field(default=2e-5, ge=0.0)
    unstable: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


class Claims(_Strict):
    """The table.

    Attributes
    ----------
    data : dict of str to Data
        Data by name.
    claims : dict of str to Claim
        Claims by name.
    """

    data: dict[str, Data] = {}
    claims: dict[str, Claim]

    def data_of(self, name: str) -> dict[str, Data]:
        """Data that a claim needs."""
        return {key: self.data[key] for key in self.claims[name].data}

    def lacking(self, name: str, folder: Path | None) -> dict[str, list[str]]:
        """Files that a claim needs and the folder lacks, by name of the data."""
        every = {key: data.lacking(folder) for key, data in self.data_of(name).items()}
        return {key: files for key, files in every.items() if files}


def checkout() -> Path:
    """The checkout that this package is imported from.

    Raises
    ------
    InputError
        If the package was installed without one.
    """
    root = Path(__file__).resolve().parents[2]
    if not (root / TABLE).is_file():
        raise InputError(
            "the scripts that reproduce results are not part of the installed package; run this command from a clone "
            "of the repository, where `make demo` installs it into .venv"
        )
    return root


def read_claims(root: Path) -> Claims:
    """Read the table of a checkout.

    Raises
    ------
    InputError
        If an entry is malformed, or names data or a script that are not there.
    """
    file = root / TABLE
    try:
        table = Claims.model_validate(read_toml(file, kind="table of claims", limits=LIMITS))
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"{file}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    for name, claim in table.claims.items():
        if unknown := sorted(set(claim.data) - set(table.data)):
            raise InputError(f"{file}: claim {name} needs data {unknown[0]}, which the table does not describe")
        script = (root / claim.command[0]).resolve()
        if not (script.is_file() and (root / "benchmarks").resolve() in script.parents):
            raise InputError(f"{file}: claim {name}: {claim.command[0]} is no script in benchmarks/")
    return table


def data_folder(given: Path | None) -> Path | None:
    """Folder of the data: the given one, else that of ``STMGPU_DATA``, else None.

    Raises
    ------
    InputError
        If there is no such folder.
    """
    text = os.environ.get(DATA)
    folder = given or (Path(text) if text else None)
    if folder is not None and not folder.is_dir():
        raise InputError(f"{folder} is no folder; give the folder of the data ({'--data' if given else DATA})")
    return folder


def to_fetch(name: str, data: Data, files: list[str]) -> str:
    """What to fetch, in words."""
    return (
        f"{name} ({data.what}) is not there: {', '.join(files)}. Get it from {data.source} (terms: {data.licence}), "
        f"put it into a folder, and give that folder with --data or {DATA}"
    )

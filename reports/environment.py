"""The environment of a run: versions that may change a verdict, the machine, the command and the time."""

from __future__ import annotations

import importlib.metadata
import platform
import shlex
from collections.abc import Iterable
from datetime import datetime

from reports.ledger.ledger import Environment

PACKAGES = (
    "datasets", "numpy", "pillow", "pytest", "pytest-xdist", "safetensors", "scipy", "tokenizers", "torch",
    "transformers",
)  # fmt: skip
"""The packages whose version may change a verdict."""


def run_environment(arguments: Iterable[object], started: datetime, seconds: float) -> Environment:
    """The environment of a run of pytest with *arguments* that took *seconds*."""
    installed = {name: _version(name) for name in PACKAGES}
    return Environment(
        python=platform.python_version(),
        platform=platform.platform(),
        packages={name: version for name, version in installed.items() if version},
        command=shlex.join(["pytest", *map(str, arguments)]),
        started=started.isoformat(timespec="seconds"),
        seconds=round(seconds, 3),
    )


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None

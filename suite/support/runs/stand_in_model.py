"""A model with invented curves, measured in no time, for tests of what happens around a measurement."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fixtures.flow import Edge
from fixtures.measurement import Measurement
from fixtures.question import Question

LAYERS = 8
DROP = 30.0
"""The drop of every edge at every layer, in percent."""

LOG = "STAND_IN_LOG"
"""The environment variable that names the log file: one line for each measurement, with process and label."""

ANSWER_FORMS = ("lowercase", "capitalized")
FALSE_FORMS = ("false_lowercase", "false_capitalized")

SECONDS = "STAND_IN_SECONDS"
"""The environment variable that says how many seconds a measurement takes."""

WEIGHTS = b"\x02\0\0\0\0\0\0\0{}"
"""A whole safetensors file: the header's length, and a header that names no tensor."""

Patch = Callable[[object, str, Any], None]


def folder(path: Path) -> Path:
    """A folder that looks like a model's until something loads it."""
    path.mkdir(exist_ok=True)
    (path / "config.json").write_text(json.dumps({"model_type": "llava"}))
    (path / "model.safetensors").write_bytes(WEIGHTS)
    for name in ("processor_config.json", "tokenizer.json"):
        (path / name).write_text("{}")
    return path


def install(patch: Patch = setattr) -> None:
    """Replace the real instruments with the stand-in."""
    import fixtures.bench.loaded_models
    import fixtures.instruments.contract
    import fixtures.measure
    from fixtures.models.files.source import Source

    patch(Source, "load", lambda self, device, dtype, progress=None: self)
    patch(fixtures.bench.loaded_models, "limit_threads", lambda threads: None)
    patch(fixtures.instruments.contract, "check", check)
    patch(fixtures.measure, "measure", measure)


def check(subject: Any, questions: Sequence[Question], engine: str = "fast") -> Any:
    from fixtures.instruments.contract import Contract

    log(f"{subject.name} contract")
    return Contract({"spans": f"{len(questions)} questions", "liveness": "nothing moves"}, ())


def broken_check(subject: Any, questions: Sequence[Question], engine: str = "fast") -> Any:
    from fixtures.instruments.contract import Contract

    return Contract({"spans": f"{len(questions)} questions", "liveness": "nothing moves"}, ("liveness",))


def measure(
    subject: Any,
    questions: Sequence[Question],
    edges: Sequence[Edge],
    width: int | None = None,
    other_widths: Sequence[int] = (),
    **options: Any,
) -> Measurement:
    """A measurement in which every edge drops by `DROP`, and the answer's probability rises in a straight line."""
    (task,) = {question.task for question in questions}
    log(f"{subject.name} {task}")
    time.sleep(float(os.environ.get(SECONDS, "0")))
    p1 = np.full(len(questions), 0.5)
    knocked = {edge: np.full((len(questions), LAYERS), 0.5 * (1 - DROP / 100)) for edge in edges}
    rise = np.tile(np.linspace(0, 1, LAYERS + 1), (len(questions), 1))
    return Measurement(
        model=subject.name,
        task=task,
        layers=LAYERS,
        width=width or 3,
        edges=tuple(edges),
        asked=tuple(questions),
        correct=np.ones(len(questions), dtype=np.bool_),
        answers=tuple(question.answer for question in questions),
        questions=tuple(questions),
        baseline=p1,
        knocked=knocked,
        other_widths=dict.fromkeys(other_widths, knocked),
        lenses={**dict.fromkeys(ANSWER_FORMS, rise), **dict.fromkeys(FALSE_FORMS, 1 - rise)} if options["lens"] else {},
        ranks=dict.fromkeys(ANSWER_FORMS, 100 * (1 - rise)) if options["lens"] else {},
        scores={"answer": rise, "rival": 1 - rise} if options["lens"] else {},
        rivals=tuple(options.get("rivals") or ()),
        set_aside={},
        provenance=dict.fromkeys(
            ("python", "numpy", "torch", "transformers", "fingerprint", "dtype", "device", "engine"),
            "made up",
        )
        | {"seconds": 0.0},
    )


def log(what: str) -> None:
    if path := os.environ.get(LOG):
        with Path(path).open("a") as lines:
            lines.write(f"{os.getpid()} {what}\n")

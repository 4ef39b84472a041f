"""The fast engine keeps nothing that it does not need, and gives the same however little fits at once."""

from __future__ import annotations

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import numpy as np
import pytest
import torch

from fixtures.flow import EDGES
from fixtures.instruments.batching import OutOfMemory
from fixtures.instruments.engines import fast
from fixtures.instruments.engines.fast import sweep
from fixtures.instruments.engines.recording import record
from suite.support.models.words_llava import tiny_question, tiny_subject


def test_nothing_is_kept_when_a_sweep_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = tiny_subject()
    references: list[weakref.ref[Any]] = []

    def record_and_refer(*arguments: Any) -> Any:
        recording = record(*arguments)
        references.extend(weakref.ref(reference) for reference in (recording, cast(Any, recording.layers[0].text).keys))
        return recording

    monkeypatch.setattr(fast, "record", record_and_refer)
    sweep(subject, [subject.encode(tiny_question(0))], EDGES, 3)
    gc.collect()
    assert len(references) == 2
    assert [reference() for reference in references] == [None, None]


def test_of_a_replay_only_the_last_positions_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = tiny_subject()
    replay, outputs = fast.replay, list[torch.Tensor]()

    def replay_and_note(*arguments: Any) -> Any:
        result = replay(*arguments)
        outputs.extend(result.values())
        return result

    monkeypatch.setattr(fast, "replay", replay_and_note)
    sweep(subject, [subject.encode(tiny_question(seed)) for seed in range(2)], EDGES, 3)
    assert outputs
    assert all(each.untyped_storage().nbytes() == each.numel() * each.element_size() for each in outputs)


def test_two_threads_sweep_two_models() -> None:
    subjects = [tiny_subject(layers=layers, dtype=torch.float64) for layers in (3, 4)]
    prompts_of = [[subject.encode(tiny_question(seed)) for seed in range(3)] for subject in subjects]
    alone = [sweep(subject, prompts, EDGES, 3).knocked for subject, prompts in zip(subjects, prompts_of, strict=True)]
    with ThreadPoolExecutor(2) as threads:
        runs = [threads.submit(sweep, subjects[turn % 2], prompts_of[turn % 2], EDGES, 3) for turn in (0, 1)]
        for run, expected in zip(runs, alone, strict=True):
            np.testing.assert_allclose(run.result().knocked, expected, rtol=1e-12)


def test_memory_that_runs_out_halves_what_runs_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = tiny_subject(layers=5, dtype=torch.float64)
    prompts = [subject.encode(tiny_question(seed)) for seed in range(3)]
    whole = sweep(subject, prompts, EDGES, 3)
    replay, sizes, steps = fast.replay, list[int](), list[tuple[int, int]]()

    def narrow(subject: Any, recording: Any, variants: Any, blocked: Any) -> Any:
        if len(variants) > 6:
            raise torch.OutOfMemoryError
        sizes.append(len(variants))
        return replay(subject, recording, variants, blocked)

    monkeypatch.setattr(fast, "replay", narrow)
    result = sweep(subject, prompts, EDGES, 3, progress=lambda *step: steps.append(step))
    np.testing.assert_allclose(result.knocked, whole.knocked, rtol=1e-12)
    assert len(sizes) > 5
    assert steps[-1] == (3 * 6 * 5, 3 * 6 * 5)
    assert steps == sorted(set(steps))
    monkeypatch.setattr(fast, "replay", lambda *_: (_ for _ in ()).throw(torch.OutOfMemoryError()))
    with pytest.raises(OutOfMemory, match="does not hold one prompt"):
        sweep(subject, prompts, EDGES, 3)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.float64, 1e-12)])
@pytest.mark.parametrize("rows", [1, 40, 10**6])
def test_results_do_not_depend_on_how_much_runs_at_once(
    rows: int, dtype: torch.dtype, tolerance: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = tiny_subject(layers=5, dtype=dtype)
    prompts = [subject.encode(tiny_question(seed)) for seed in range(2)]
    whole = sweep(subject, prompts, EDGES, 3)
    monkeypatch.setattr(fast, "rows_at_once", lambda *_: rows)
    np.testing.assert_allclose(sweep(subject, prompts, EDGES, 3).knocked, whole.knocked, rtol=tolerance)

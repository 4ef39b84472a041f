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
    kept: list[weakref.ref[Any]] = []

    def recorded(*arguments: Any) -> Any:
        found = record(*arguments)
        kept.extend(weakref.ref(each) for each in (found, cast(Any, found.layers[0].text).keys))
        return found

    monkeypatch.setattr(fast, "record", recorded)
    sweep(subject, [subject.encode(tiny_question(0))], EDGES, 3)
    gc.collect()
    assert len(kept) == 2
    assert [each() for each in kept] == [None, None]


def test_of_a_replay_only_the_last_positions_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = tiny_subject()
    replay, outputs = fast.replay, list[torch.Tensor]()

    def watched(*arguments: Any) -> Any:
        found = replay(*arguments)
        outputs.extend(found.values())
        return found

    monkeypatch.setattr(fast, "replay", watched)
    sweep(subject, [subject.encode(tiny_question(seed)) for seed in range(2)], EDGES, 3)
    assert outputs
    assert all(each.untyped_storage().nbytes() == each.numel() * each.element_size() for each in outputs)


def test_two_threads_sweep_two_models() -> None:
    subjects = [tiny_subject(layers=layers, dtype=torch.float64) for layers in (3, 4)]
    asked = [[subject.encode(tiny_question(seed)) for seed in range(3)] for subject in subjects]
    alone = [sweep(subject, prompts, EDGES, 3).knocked for subject, prompts in zip(subjects, asked, strict=True)]
    with ThreadPoolExecutor(2) as threads:
        runs = [threads.submit(sweep, subjects[turn % 2], asked[turn % 2], EDGES, 3) for turn in (0, 1)]
        for run, expected in zip(runs, alone, strict=True):
            np.testing.assert_allclose(run.result().knocked, expected, rtol=1e-12)


def test_memory_that_runs_out_halves_what_runs_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = tiny_subject(layers=5, dtype=torch.float64)
    prompts = [subject.encode(tiny_question(seed)) for seed in range(3)]
    whole = sweep(subject, prompts, EDGES, 3)
    replay, sizes, heard = fast.replay, list[int](), list[tuple[int, int]]()

    def narrow(subject: Any, recording: Any, variants: Any, blocked: Any) -> Any:
        if len(variants) > 6:
            raise torch.OutOfMemoryError
        sizes.append(len(variants))
        return replay(subject, recording, variants, blocked)

    monkeypatch.setattr(fast, "replay", narrow)
    halved = sweep(subject, prompts, EDGES, 3, progress=lambda *step: heard.append(step))
    np.testing.assert_allclose(halved.knocked, whole.knocked, rtol=1e-12)
    assert len(sizes) > 5
    assert heard[-1] == (3 * 6 * 5, 3 * 6 * 5)
    assert heard == sorted(set(heard))
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

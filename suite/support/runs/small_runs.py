"""Runs of a few claims by the bench's plugin, in this process, on a stand-in for a model."""

from collections.abc import Callable, Sequence

import pytest

# A run in this process forgets the modules that it imported, and numpy.fft cannot be loaded a second time.
import scipy.stats  # noqa: F401 # pyright: ignore[reportUnusedImport]

from fixtures.bench import devices
from suite.support.runs import stand_in_model as stand_in

PLUGIN = ("-p", "fixtures.plugin")

Run = Callable[..., pytest.RunResult]


def runner(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, claims: str, *defaults: str) -> Run:
    """Writes a file of *claims* and returns a function that runs them with the options *defaults*.

    The model is `model` unless the arguments name another one.
    """
    stand_in.install(monkeypatch.setattr)
    stand_in.folder(pytester.path / "model")
    pytester.makepyfile(test_claims=claims)

    def run(*arguments: str, plugins: Sequence[object] = ()) -> pytest.RunResult:
        model = () if "--model" in arguments else ("--model", "model")
        return pytester.runpytest_inprocess(*PLUGIN, *defaults, *model, *arguments, plugins=plugins)

    return run


def without_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the machine appear to have no CUDA device."""
    monkeypatch.setattr(devices.metadata, "version", lambda name: "2.13.0")
    monkeypatch.setattr(devices, "cuda_devices", lambda: 0)


def usage_error(result: pytest.RunResult) -> str:
    """The one sentence of a run that ended with a usage error."""
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (sentence,) = [line for line in result.errlines if line]
    assert "Traceback" not in result.stdout.str()
    assert "INTERNALERROR" not in result.stdout.str()
    return sentence.removeprefix("ERROR: ")

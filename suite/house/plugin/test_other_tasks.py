"""Other tasks than the paper's six are asked what each of the six is, and are not pooled with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.plugin.case import asked_on
from fixtures.tasks import KNOWN, TASKS
from suite.support.data import data_sets
from suite.support.runs.small_runs import Run, runner, usage_error, without_cuda

CLAIMS = """
import pytest
from fixtures.flow import IMAGE, QUESTION
from fixtures.tasks import TASKS

@pytest.mark.claim(id="other.every")
def test_every(flow):
    assert flow(IMAGE >> QUESTION).drop().at_least(20)

@pytest.mark.claim(id="other.every-and-all", tasks=(*TASKS, "all"))
def test_every_and_all(flow):
    print("over", getattr(flow, "tasks", flow.task))
    assert flow(IMAGE >> QUESTION).drop().at_least(20)

@pytest.mark.claim(id="other.one", tasks=("QueryAttr",))
def test_one(flow):
    assert flow(IMAGE >> QUESTION).drop().at_least(20)

@pytest.mark.claim(id="other.all", tasks=("all",))
def test_all(flow):
    assert flow(IMAGE >> QUESTION).drop().at_least(20)
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs CLAIMS on a stand-in, with the files of the other tasks in `data`."""
    without_cuda(monkeypatch)
    data_sets.write_files(pytester.path / "data")
    return runner(pytester, monkeypatch, CLAIMS)


def listing(result: pytest.RunResult) -> list[str]:
    return [line.partition("::")[2] for line in result.outlines if "::" in line]


def test_what_is_asked_on_each_of_the_six_is_asked_on_any_other() -> None:
    assert asked_on(None) == asked_on(TASKS) == KNOWN
    assert set(asked_on((*TASKS, "all"))) == {*KNOWN, "all"}
    assert asked_on(("QueryAttr", "all")) == ("QueryAttr", "all")


def test_another_task_alone_is_asked_no_claim_about_several(run: Run) -> None:
    assert listing(run("--collect-only", "-q", "--task", "POPE", "--data", "data")) == [
        "test_every[model-POPE]",
        "test_every_and_all[model-POPE]",
    ]


def test_the_six_are_the_default_and_others_change_nothing_of_theirs(run: Run) -> None:
    default = listing(run("--collect-only", "-q"))
    assert not [name for name in default if "POPE" in name or "VQA" in name]
    every = [option for task in KNOWN for option in ("--task", task)]
    assert set(listing(run("--collect-only", "-q", *every))) > set(default)


def test_claims_about_tasks_together_are_about_the_papers(run: Run, capfd: pytest.CaptureFixture[str]) -> None:
    options = ("--task", "POPE", "--task", "ChooseAttr", "--task", "VQAv2", "--task", "QueryAttr", "--questions", "24")
    result = run("-s", *options, "--data", "data", "-k", "test_every_and_all")
    result.assert_outcomes(passed=3, skipped=2)  # the small ones are too few
    result.stdout.fnmatch_lines(["*over ('ChooseAttr', 'QueryAttr')*"])
    errors = capfd.readouterr().err
    for sentence in (
        "the questions of POPE have no boxes: claims about regions are unsupported",
        "the questions of VQAv2 have no boxes: claims about regions are unsupported",
        f"{Path('data').resolve()} holds 3 questions of VQAv2, and 24 were asked for: all of them are taken",
    ):
        assert errors.count(sentence) == 1


def test_a_departure_may_be_expected_on_another_task(run: Run, pytester: pytest.Pytester) -> None:
    entry = 'claim = "other.every"\ntasks = ["POPE"]\nverdict = "fails"\nreason = "known"'
    (pytester.path / "known.toml").write_text(f"[[departure]]\n{entry}\n")
    result = run("--task", "POPE", "--data", "data", "--expected", "known.toml", "-k", "test_every_and_all")
    assert result.ret == pytest.ExitCode.OK


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--data", "."], "--data: {} has no questions of POPE: looked for coco_pope_random.json, "),
        (["--data", "nowhere"], "--data nowhere: "),
        (["--data", "data", "--images", "hub"], "--data: the hub gives pictures of POPE only with its own questions"),
    ],
)
def test_what_is_wrong_with_their_source_ends_the_run(
    run: Run, pytester: pytest.Pytester, arguments: list[str], says: str
) -> None:
    assert usage_error(run("--task", "POPE", *arguments)).startswith(says.format(pytester.path))

"""A process measures what the run lacks and nothing else, and claims read it as they were told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixtures import bench as bench_module
from fixtures.bench import Bench, NotCalibrated, Worker, once
from fixtures.content import contents
from fixtures.devices import Slot
from fixtures.evidence import Unsupported
from fixtures.flow import IMAGE, LAST, PADDING, QUESTION
from fixtures.models.registry import Source
from fixtures.options import Selection
from fixtures.progress import Loading
from fixtures.question import FilePicture, Object, Question
from fixtures.store import Store, hold
from fixtures.tasks import TASKS, PicturesUnavailable
from fixtures.view import Flow, PooledFlow, seed_of
from suite.house import stand_in

SELECTION = Selection(
    models=("model",), tasks=("ChooseAttr", "QueryAttr"), questions=24, seed=0, gqa=None, images=None,
    window=None, prompt=None, device="cpu", dtype="auto", revision=None, trust_remote_code=False,
    engine="reference", curves=None, remeasure=False, expected=None, red=(),
)  # fmt: skip


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], list[str]]:
    """What was measured so far, by a stand-in for the instruments."""
    log = tmp_path / "log"
    log.touch()
    stand_in.install(monkeypatch.setattr)
    monkeypatch.setenv(stand_in.LOG, str(log))
    monkeypatch.chdir(tmp_path)
    stand_in.folder(tmp_path / "model")
    stand_in.folder(tmp_path / "other")
    (tmp_path / "curves").mkdir()
    return lambda: [line.partition(" ")[2] for line in log.read_text().splitlines()]


def silent(_: str) -> None: ...


def bench(
    worker: Worker | None = None,
    planned: Sequence[tuple[str, str]] | None = None,
    say: Callable[[str], None] = silent,
    say_once: Callable[[str], None] = silent,
    **changes: Any,
) -> Bench:
    planned = planned or [("model", task) for task in SELECTION.tasks]
    selection, store = replace(SELECTION, **changes), Store(Path("curves"))
    return Bench(selection, store, worker or Worker(), say, planned, say_once=say_once)


# ---- what is measured


def test_the_contract_comes_first_and_nothing_twice(measured: Callable[[], list[str]]) -> None:
    first = bench()
    first.measurement("model", "QueryAttr")
    first.measurement("model", "QueryAttr")
    bench().measurement("model", "QueryAttr")
    assert measured() == ["model contract", "model QueryAttr"]


def test_another_accelerator_measures_anew(measured: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """It rounds otherwise, which must not pass for what the first one found."""
    monkeypatch.setattr("fixtures.devices.cuda_devices", lambda: 1)
    for name in ("NVIDIA A100", "NVIDIA H200", "NVIDIA A100"):
        monkeypatch.setattr("fixtures.devices.cuda_names", lambda name=name: (name,))
        bench(device="cuda").measurement("model", "QueryAttr")
    assert measured() == ["model contract", "model QueryAttr"] * 2


def test_a_model_that_fails_its_contract_is_not_measured(
    measured: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fixtures.contract.check", stand_in.broken_check)
    for again in (bench(), bench()):
        with pytest.raises(NotCalibrated, match="model is not calibrated: liveness: nothing moves"):
            again.measurement("model", "QueryAttr")
    assert measured() == []


def test_who_waits_measures_something_else_meanwhile(measured: Callable[[], list[str]]) -> None:
    bench().measurement("model", "ChooseAttr")
    job = bench()._measurement_job("model", "QueryAttr", None, (), False)
    more = bench(planned=[("model", "QueryAttr"), ("model", "ChooseCat")])
    with hold(Path("curves") / f"{job.entry.file}.lock"):
        more._advance(job)
    assert measured()[-1] == "model ChooseCat"
    assert more.measurement("model", "QueryAttr").task == "QueryAttr"


def test_who_holds_the_only_copy_of_the_weights_measures_all_and_lets_go(
    measured: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_module, "SMALL_WEIGHTS", 0)
    monkeypatch.setattr("fixtures.devices.SMALL_WEIGHTS", 0)
    one = bench(Worker(0, 2))
    one.measurement("model", "ChooseAttr")
    assert measured() == ["model contract", "model ChooseAttr", "model QueryAttr"]
    assert one._loaded is None


def test_a_model_that_cannot_be_had_troubles_its_own_claims_alone(measured: Callable[[], list[str]]) -> None:
    both = bench(models=("gone", "model"), planned=[("gone", "ChooseAttr"), ("model", "ChooseAttr")])
    stand_in.folder(Path("gone"))
    (Path("gone") / "model.safetensors").unlink()
    assert list(both._obtainable("model")) == ["model"]
    assert both.measurement("model", "ChooseAttr").model == "model"
    with pytest.raises(Exception, match=r"gone.* has no \*\.safetensors"):
        both.measurement("gone", "ChooseAttr")


def test_a_task_that_the_source_lacks_troubles_its_own_claims_alone(
    measured: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    import fixtures.tasks

    real = fixtures.tasks.questions

    def lacking(task: str, *arguments: Any, **options: Any) -> list[Question]:
        if task == "ChooseAttr":
            raise fixtures.tasks.QuestionsUnavailable("no such file")
        return real(task, *arguments, **options)

    monkeypatch.setattr(fixtures.tasks, "questions", lacking)
    some = bench()
    assert some.measurement("model", "QueryAttr").task == "QueryAttr"
    for _ in range(2):
        with pytest.raises(fixtures.tasks.QuestionsUnavailable, match="no such file"):
            some.measurement("model", "ChooseAttr")


def test_questions_without_boxes_are_said_once_for_all_tasks(
    measured: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    import fixtures.tasks

    real = fixtures.tasks.questions

    def boxless(*arguments: Any, **options: Any) -> list[Question]:
        return [
            replace(question, objects=tuple(Object(thing.name, None) for thing in question.objects))
            for question in real(*arguments, **{**options, "gqa": None})
        ]

    said: list[str] = []
    bench(say_once=said.append).asked.questions("QueryAttr")
    assert said == []
    monkeypatch.setattr(fixtures.tasks, "questions", boxless)
    some = bench(say_once=said.append, gqa="hub")
    some.asked.questions("QueryAttr")
    some.asked.questions("ChooseAttr")
    assert set(said) == {"the questions from hub have no boxes: claims about regions are unsupported"}


# ---- pictures


def lose(*image_ids: str, decoy: bytes | None = None) -> Callable[..., list[Question]]:
    """Questions as ever, with the pictures of some images gone or, with a decoy, damaged; ids "task:" for all."""
    import fixtures.tasks

    real = fixtures.tasks.questions
    Path("lost").mkdir(exist_ok=True)

    def questions(task: str, *arguments: Any, **options: Any) -> list[Question]:
        def lost(question: Question) -> Question:
            path = Path("lost") / f"{question.image_id}.png"
            if decoy is not None:
                path.write_bytes(decoy)
            return replace(question, picture=FilePicture(path))

        asked = real(task, *arguments, **options)
        return [lost(each) if {each.image_id, f"{task}:"} & {*image_ids} else each for each in asked]

    return questions


@pytest.mark.parametrize("decoy", [None, b"no picture"], ids=["missing", "damaged"])
def test_a_task_without_pictures_is_an_error_of_the_data_and_the_model_is_not_blamed(
    measured: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch, decoy: bytes | None
) -> None:
    monkeypatch.setattr("fixtures.tasks.questions", lose("ChooseAttr:", decoy=decoy))
    said: list[str] = []
    some = bench(say_once=said.append)
    state = "damaged in" if decoy else "missing from"
    for _ in range(2):
        with pytest.raises(PicturesUnavailable):
            some.measurement("model", "ChooseAttr")
    sentence, again = said
    assert sentence == again
    assert sentence.startswith(f"ChooseAttr has no picture to show: 24 of 24 pictures are {state} lost (")
    assert " and 19 more): " in sentence
    assert "model ChooseAttr" not in measured()
    assert some.measurement("model", "QueryAttr").task == "QueryAttr"
    assert measured() == ["model contract", "model QueryAttr"]


@pytest.mark.parametrize("decoy", [None, b"no picture"], ids=["missing", "damaged"])
def test_without_any_picture_the_model_is_not_even_loaded(
    measured: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch, decoy: bytes | None
) -> None:
    monkeypatch.setattr(Source, "load", lambda *_: pytest.fail("the model was loaded"))
    monkeypatch.setattr("fixtures.tasks.questions", lose(*(f"{task}:" for task in TASKS), decoy=decoy))
    with pytest.raises(PicturesUnavailable, match="pictur"):
        bench().measurement("model", "QueryAttr")
    assert measured() == []


def test_some_pictures_are_missed_before_the_model_is_loaded_and_the_contract_asks_others(
    measured: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    import fixtures.tasks

    first, second, third, *_ = [each.image_id for each in fixtures.tasks.questions("ChooseAttr", 24, 0)]
    monkeypatch.setattr("fixtures.tasks.questions", lose(first, second))
    monkeypatch.setattr("fixtures.tasks.questions", lose(third, decoy=b"no picture"))
    said: list[str] = []
    some = bench(planned=[("model", "ChooseAttr")], say=said.append, say_once=said.append)
    assert some.measurement("model", "ChooseAttr").task == "ChooseAttr"
    some.measurement("model", "ChooseAttr", PADDING >> QUESTION)
    assert not {first, second, third} & {each.image_id for each in some.asked.of_contract()}
    assert said[:2] == [
        f"ChooseAttr: 2 of 24 pictures are missing from lost ({first}.png, {second}.png): "
        "give the folder or zip that holds them with --images",
        "model: checking the instruments",
    ]
    assert f"ChooseAttr: 1 of 24 pictures is damaged in lost ({third}.png): fetch it again" in said


# ---- what a stored value depends on


@pytest.mark.parametrize(
    "changes",
    [
        {"questions": 23}, {"seed": 1}, {"window": 5}, {"prompt": "paper"}, {"dtype": "float64"},
        {"device": "cuda"}, {"engine": "fast"}, {"answers": "full-stop"}, {"measured": 5},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.usefixtures("measured")
def test_another_way_of_measuring_is_another_key(changes: dict[str, Any]) -> None:
    keys = [
        each._measurement_job("model", "ChooseAttr", None, (), False).entry.key for each in (bench(), bench(**changes))
    ]
    assert keys[0] != keys[1]


@pytest.mark.usefixtures("measured")
def test_what_changes_no_number_changes_no_key() -> None:
    same = [bench(), bench(red=("fails",)), bench(Worker(1, 4)), bench(tasks=("ChooseAttr",))]
    assert len({each._measurement_job("model", "ChooseAttr", None, (), False).entry.key for each in same}) == 1


@pytest.mark.usefixtures("measured")
def test_edge_width_task_and_contract_have_their_own_keys() -> None:
    one = bench()
    jobs = [
        one._contract_job("model"),
        one._measurement_job("model", "ChooseAttr", None, (), False),
        one._measurement_job("model", "QueryAttr", None, (), False),
        one._measurement_job("model", "ChooseAttr", PADDING >> QUESTION, (), False),
        one._measurement_job("model", "ChooseAttr", None, (5,), False),
    ]
    assert len({job.entry.key for job in jobs}) == len({job.entry.file for job in jobs}) == len(jobs)


@pytest.mark.usefixtures("measured")
def test_other_weights_and_other_libraries_are_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = bench()._contract_job("model").entry.key
    with monkeypatch.context() as patch:
        patch.setattr(bench_module, "versions", lambda: {"torch": "99"})
        libraries = bench()._contract_job("model").entry.key
    (Path("model") / "model.safetensors").write_bytes(b"fine-tuned")
    weights = bench()._contract_job("model").entry.key
    assert len({before, libraries, weights}) == 3


def test_a_large_models_fingerprint_is_taken_once_while_its_files_stay(
    measured: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str] = []

    def fingerprint(source: Source) -> str:
        taken.append(source.name)
        return (source.folder() / "model.safetensors").read_text()

    monkeypatch.setattr(Source, "fingerprint", fingerprint)
    monkeypatch.setattr(bench_module, "SMALL_WEIGHTS", 0)
    assert [bench()._fingerprint("model") for _ in range(2)] == [stand_in.WEIGHTS.decode()] * 2
    assert len(taken) == 1
    (Path("model") / "model.safetensors").write_text("fine-tuned")
    assert bench()._fingerprint("model") == "fine-tuned"


def test_what_takes_long_is_said_before_it_starts(
    measured: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(Source, "is_here", False)
    monkeypatch.setattr(bench_module, "SMALL_WEIGHTS", 0)
    bench(say=said.append, say_once=said.append).measurement("model", "QueryAttr")
    fetching, loading, loaded = (
        next(number for number, line in enumerate(said) if line.startswith(f"model: {what}"))
        for what in (f"fetching {Path('model').resolve()} from the hub", "loading 0.0 GiB of weights to cpu", "weights")
    )
    assert fetching < loading < loaded < len(said) - 1


def test_what_is_here_and_small_is_not_worth_a_line(measured: Callable[[], list[str]]) -> None:
    said: list[str] = []
    bench(say=said.append, say_once=said.append).measurement("model", "QueryAttr")
    assert said
    assert not [line for line in said if "fetching" in line or "weights" in line]


QUESTION_ASKED = Question(
    "07",
    "1",
    "ChooseAttr",
    "Is it red or blue?",
    "red",
    "red",
    "blue",
    (Object("ball", (0, 0, 4, 4)),),
    (8, 8),
)


@pytest.mark.parametrize(
    "change",
    [
        {"id": "7"}, {"image_id": "2"}, {"text": "Is it blue or red?"}, {"answer": "blue"},
        {"true_option": "Red"}, {"false_option": None}, {"image_size": (8, 9)}, {"objects": ()},
        {"objects": (Object("ball", None),)}, {"objects": (Object("ball", (0, 0, 4, 5)),)},
    ],
    ids=str,
)  # fmt: skip
def test_whatever_a_model_sees_of_a_question_is_content(change: dict[str, Any]) -> None:
    assert contents([QUESTION_ASKED]) != contents([replace(QUESTION_ASKED, **change)])


def test_a_picture_is_its_bytes_wherever_they_lie(tmp_path: Path) -> None:
    for name, content in {"a.png": b"pixels", "b.png": b"pixels", "c.png": b"other pixels"}.items():
        (tmp_path / name).write_bytes(content)
    a, b, c, absent, none = (
        contents([replace(QUESTION_ASKED, picture=picture)])
        for picture in (*(FilePicture(tmp_path / f"{name}.png") for name in "abcd"), None)
    )
    assert a == b != c
    assert a != absent == none


# ---- what a claim reads


@pytest.mark.usefixtures("measured")
def test_curves_of_one_test_are_resampled_alike_and_of_another_claim_otherwise() -> None:
    one = bench()
    flow = Flow("a.claim", "model", "ChooseAttr", one.measurement)
    curves = (
        flow(IMAGE >> QUESTION),
        flow(QUESTION >> LAST),
        flow(IMAGE >> LAST, width=5),
        flow.lens("lowercase"),
    )
    keys = {curve.resampling.key for curve in curves}
    assert len(keys) == 1
    others = [replace(flow, claim="another"), replace(flow, task="QueryAttr")]
    assert not keys & {other(IMAGE >> QUESTION).resampling.key for other in others}
    assert seed_of("a", "b", "c") != seed_of("a", "bc", "") != seed_of("ab", "", "c")


def test_what_the_paper_has_not_is_measured_when_it_is_read(measured: Callable[[], list[str]]) -> None:
    flow = Flow("a.claim", "model", "ChooseAttr", bench().measurement)
    assert flow(PADDING >> QUESTION).drop().value == pytest.approx(stand_in.DROP)
    assert flow(IMAGE >> QUESTION, width=5).drop().value == pytest.approx(stand_in.DROP)
    assert (flow.width, flow.layers) == (3, stand_in.LAYERS)
    assert measured() == ["model contract", *["model ChooseAttr"] * 3]


def test_all_windows_that_a_claim_holds_against_each_other_are_measured_in_one_pass(
    measured: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stand_in, "LAYERS", 40)
    some = bench()
    for width in (5, 15, 1, 3):  # its own are of 3
        for edge in (IMAGE >> QUESTION, QUESTION >> LAST):
            assert some.measurement("model", "ChooseAttr", edge, width).width == width
    assert measured() == ["model contract", *["model ChooseAttr"] * 2]
    for edge, width in ((IMAGE >> QUESTION, 4), (IMAGE >> LAST, 5)):
        assert some.measurement("model", "ChooseAttr", edge, width).width == width
    assert len(measured()) == 5


def test_answers_are_known_before_anything_else_is_measured(measured: Callable[[], list[str]]) -> None:
    some = bench()
    some.measurement("model", "ChooseAttr", IMAGE >> QUESTION, final_sub_word=True)
    assert len(measured()) == 3
    some.measurement("model", "ChooseAttr")
    assert len(measured()) == 3


@pytest.mark.parametrize("breaks", [False, True])
def test_who_waits_for_the_contract_loads_the_model_meanwhile_and_once(
    breaks: bool, measured: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []

    def load(source: Source, *_: object) -> Source:
        loaded.append(source.name)
        if breaks:
            raise RuntimeError("the weights are broken")
        return source

    monkeypatch.setattr(Source, "load", load)
    monkeypatch.setattr(bench_module, "slots", lambda *_: (Slot("cpu-0", "cpu", 1, exclusive=False),))
    some = bench(Worker(1, 2), planned=[("model", "QueryAttr")])
    job = some._contract_job("model")
    with hold(Path("curves") / f"{job.entry.file}.lock"):
        for _ in range(5):
            some._advance(job)
    assert loaded == ["model"]
    if breaks:
        with pytest.raises(RuntimeError, match="the weights are broken"):
            some.measurement("model", "QueryAttr")
    else:
        assert some.measurement("model", "QueryAttr").task == "QueryAttr"
        assert loaded == ["model"]
    assert measured() == ([] if breaks else ["model contract", "model QueryAttr"])


@pytest.mark.usefixtures("measured")
def test_the_lens_is_in_percent_and_accuracy_counts_all_that_was_asked() -> None:
    flow = Flow("a.claim", "model", "ChooseAttr", bench().measurement)
    assert flow.lens("lowercase").at(1.0).value == pytest.approx(100)
    assert flow.accuracy().value == 100
    assert flow.accuracy().n == SELECTION.questions


@pytest.mark.usefixtures("measured")
def test_tasks_are_pooled_each_with_its_own_seed() -> None:
    pooled = PooledFlow("a.claim", "model", SELECTION.tasks, bench().measurement)
    assert pooled.task == "all"
    assert pooled(IMAGE >> QUESTION).drop().value == pytest.approx(stand_in.DROP)
    assert len({task for task, _ in pooled(IMAGE >> QUESTION).drop().sources}) == 2
    assert (pooled.width, pooled.layers) == (3, stand_in.LAYERS)
    with pytest.raises(Unsupported, match="leaves out ChooseCat"):
        pooled.among("ChooseAttr", "ChooseCat")
    with pytest.raises(Unsupported, match="this run has QueryAttr alone"):
        pooled.among("QueryAttr")(IMAGE >> QUESTION)


# ---- what is said meanwhile


@pytest.mark.usefixtures("measured")
def test_the_contract_says_when_it_starts_and_how_long_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    now, said = [0.0], list[str]()
    monkeypatch.setattr(bench_module.time, "monotonic", lambda: now[0])

    def check(*arguments: Any) -> Any:
        now[0] += 75
        return stand_in.check(*arguments)

    monkeypatch.setattr("fixtures.contract.check", check)
    bench(say=said.append).measurement("model", "ChooseAttr")
    assert said[:2] == ["model: checking the instruments", "model: instruments checked in 75.0 s"]
    said.clear()
    bench(say=said.append).measurement("model", "ChooseAttr")
    assert said == []

    monkeypatch.setattr("fixtures.contract.check", stand_in.broken_check)
    told: list[str] = []
    with pytest.raises(NotCalibrated):
        bench(say=said.append, say_once=told.append, seed=1).measurement("model", "ChooseAttr")
    assert said == ["model: checking the instruments", "model: instruments found wanting in 0.0 s"]
    assert told == ["model is not calibrated: liveness: nothing moves"]


def test_what_is_done_once_fails_once_too() -> None:
    tried: list[int] = []

    def work(number: int) -> int:
        tried.append(number)
        if number < 0:
            raise ValueError(number)
        return number + 1

    recall = once(work)
    assert [recall(1), recall(1), recall(2)] == [2, 2, 3]
    for _ in range(2):
        with pytest.raises(ValueError, match="-1"):
            recall(-1)
    assert tried == [1, 2, -1]


def test_weights_that_load_long_say_how_far_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 4.0, 15.0, 16.0, 40.0, 41.0])
    monkeypatch.setattr("fixtures.progress.time.monotonic", lambda: next(clock))
    said: list[str] = []
    progress = Loading("llava", 14 * 2**30, "cuda:0", said.append)
    for done in (10, 75, 80, 300):
        progress(done, 300)
    progress.end()
    assert said == [
        "llava: loading 14.0 GiB of weights to cuda:0",
        "llava: 75 of 300 parameters loaded, 45 s left",
        "llava: weights loaded in 41.0 s",
    ]

"""The benchmark's figures are those of a true LLaVA, and what it cannot measure it says."""

import json
from pathlib import Path

import pytest
import torch

from fixtures import benchmark
from fixtures.benchmark import SHAPES, Random, Shape, extra_bytes, flops, main
from fixtures.flow import IMAGE, LAST, OTHER, QUESTION, RELATED

PROMISED = {
    "baseline_s", "sweep_s", "sweep_over_baseline", "reference_forward_s", "speedup_over_reference", "flops_ratio",
    "max_abs_logprob_diff", "extra_bytes", "weights_bytes", "recording_bytes", "device", "dtype", "layers", "edges",
}  # fmt: skip
SMALL = ["--layers", "3", "--hidden", "32", "--heads", "4", "--kv-heads", "2", "--image-tokens", "16"]


def test_every_promised_figure_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "new" / "figures.json"
    main([*SMALL, "--question-tokens", "5", "--questions", "2", "--reference-forwards", "18", "--json", str(file)])
    figures = json.loads(file.read_text())
    assert json.loads(capsys.readouterr().out) == figures
    assert set(figures) >= PROMISED
    assert (figures["layers"], figures["edges"], figures["dtype"]) == (3, 6, "float32")
    assert figures["max_abs_logprob_diff"] < 1e-4
    assert figures["largest_effect_compared"] > 0.01
    assert 1 < figures["flops_ratio"] < 18
    assert figures["speedup_over_reference"] == pytest.approx(18 * figures["reference_forward_s"] / figures["sweep_s"])
    # keys, values and inputs of 3 layers: 16 wide twice (2 of 4 heads), and 32 wide from the question on; an output
    tokens, suffix = 16 + 5 + 41, 5 + 6
    assert figures["recording_bytes"] == 3 * 4 * (2 * 16 * tokens + 32 * suffix) + 4 * 32 * suffix


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--image-tokens", "10"], "must be a square"),
        (["--hidden", "30", "--heads", "4"], "must be a multiple of --heads"),
        (["--device", "cuda:7"], "--device cuda:7 cannot be used"),
        (["--device", "pineapple"], "--device pineapple cannot be used"),
        (["--layers", "0"], "'0' is not a whole number of 1 or more"),
        (["--shape", "llava-1.5-7b", "--kv-heads", "2"], "has its own sizes: leave --kv-heads out"),
        (["--shape", "gpt-5"], "invalid choice: 'gpt-5'"),
    ],
)
def test_bad_arguments_are_one_sentence(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ending:
        main(arguments)
    assert ending.value.code == 2
    assert message in capsys.readouterr().err.splitlines()[-1]


def test_shapes_are_those_of_the_papers_models() -> None:
    """Parameters of the decoder's layers, as each model's card has them."""
    billions = {"llava-1.5-7b": 6.5, "llava-1.5-13b": 12.7, "llava-v1.6-vicuna-7b": 6.5, "llama3-llava-next-8b": 7.0}
    for name, shape in SHAPES.items():
        attention = shape.hidden**2 * (2 + 2 * shape.kv_heads / shape.heads)
        layers = shape.layers * (attention + 3 * shape.hidden * shape.inner)
        assert layers / 1e9 == pytest.approx(billions[name], abs=0.06), name


def test_a_prompt_has_the_spans_that_the_edges_need() -> None:
    model = Random(Shape(2, 32, 86, 4, 4, 16), torch.float32, torch.device("cpu"))
    prompt = model.prompt(0, 7)
    assert set(prompt.spans) == {IMAGE, QUESTION, LAST, RELATED, OTHER}
    assert (prompt.input_ids[prompt.spans[IMAGE]] == benchmark.IMAGE_TOKEN).all()
    assert not (prompt.input_ids[prompt.spans[QUESTION]] == benchmark.IMAGE_TOKEN).any()
    assert len(prompt.spans[QUESTION]) == 7


def test_flops_and_memory_are_counted() -> None:
    one, other = torch.randn(64, 32), torch.randn(32, 16)
    assert flops(lambda: one @ other) == 2 * 64 * 32 * 16

    heads = torch.randn(1, 4, 32, 16)
    attend = torch.nn.functional.scaled_dot_product_attention
    assert flops(lambda: attend(heads, heads, heads, is_causal=True)) == 2 * 2 * 4 * 32 * 32 * 16

    def work() -> None:
        tensor = torch.zeros(1000, 1000)
        del tensor
        torch.zeros(500, 1000)

    assert extra_bytes(torch.device("cpu"), work) == pytest.approx(4_000_000, rel=0.01)

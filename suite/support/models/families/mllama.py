"""Llama 3.2 Vision: up to four tiles of 56 pixels in patches of 14, read in two of five layers."""

from __future__ import annotations

from typing import Any

from suite.support.models.families import TEXT, Family, lively, tokenizer, turns

SIDE, PATCH, TILES = 56, 14, 4
IMAGE = "<|image|>"
GATES = ("cross_attn_attn_gate", "cross_attn_mlp_gate", "gate", "gate_attn", "gate_ffn")
"""The names of scalar gates that are shut in fresh weights."""


def build(side: int = SIDE) -> tuple[Any, Any]:
    from transformers import MllamaConfig, MllamaForConditionalGeneration, MllamaProcessor
    from transformers.models.mllama.image_processing_pil_mllama import MllamaImageProcessorPil

    words = tokenizer(IMAGE, "<|python_tag|>")
    text = {**TEXT, "num_hidden_layers": 5, "cross_attention_layers": [1, 3], "vocab_size": len(words)}
    text.pop("head_dim")  # Mllama's is what hidden size and heads make
    text["rope_parameters"] = {"rope_type": "default", "rope_theta": 10000.0}
    config = MllamaConfig(
        text_config=text,
        vision_config={
            "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 3, "num_global_layers": 1,
            "attention_heads": 2, "image_size": side, "patch_size": PATCH, "max_num_tiles": TILES,
            "intermediate_layers_indices": [0, 2], "vision_output_dim": 48,
        },
        image_token_index=words.convert_tokens_to_ids(IMAGE),
    )  # fmt: skip
    model: Any = MllamaForConditionalGeneration(config)
    for name, weight in model.named_parameters():
        if name.split(".")[-1] in GATES:
            weight.data.fill_(0.8)
    processor = MllamaProcessor(
        MllamaImageProcessorPil(size={"height": side, "width": side}, max_image_tiles=TILES),
        words,
        chat_template="{{ bos_token }}" + turns(IMAGE),
    )
    return lively(model), processor


FAMILY = Family(
    build,
    sizes=((112, 56), (56, 112), (60, 60), (75, 40), (300, 40), (20, 150), (23, 31)),
    class_tokens=1,
)

"""Gemma 3: a SigLIP at 84 pixels whose 12 x 12 patches are averaged by threes; full layers and windows of 12."""

from __future__ import annotations

from typing import Any

from suite.support.models.families import TEXT, Family, lively, tokenizer, turns

PIXELS, PATCH, TOKENS, WINDOW = 84, 7, 16, 12


def words() -> Any:
    return tokenizer(
        boi_token="<start_of_image>", eoi_token="<end_of_image>", image_token="<image_soft_token>"
    )  # fmt: skip


def processor(pixels: int = PIXELS, tokens: int = TOKENS, **images: Any) -> Any:
    """A processor whose template begins with the first token, as Gemma's does."""
    from transformers import Gemma3Processor
    from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil

    settings: dict[str, Any] = {"size": {"height": pixels, "width": pixels}, **images}
    template = "{{ bos_token }}" + turns("<start_of_image>")
    return Gemma3Processor(Gemma3ImageProcessorPil(**settings), words(), template, image_seq_length=tokens)


def model(pixels: int = PIXELS, patch: int = PATCH, tokens: int = TOKENS) -> Any:
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration, Gemma3TextConfig, SiglipVisionConfig

    layers = ["sliding_attention", "full_attention"] * 2
    text = {**TEXT, "vocab_size": len(words()), "sliding_window": WINDOW, "query_pre_attn_scalar": 8}
    vision = SiglipVisionConfig(
        hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=pixels,
        patch_size=patch, vision_use_head=False,
    )  # fmt: skip
    ids: dict[str, Any] = {
        "image_token_id": words().image_token_id, "boi_token_index": words().boi_token_id,
        "eoi_token_index": words().eoi_token_id,
    }  # fmt: skip
    config = Gemma3Config(
        text_config=Gemma3TextConfig(**text, layer_types=layers), vision_config=vision, mm_tokens_per_image=tokens,
        tie_word_embeddings=False, **ids,
    )  # fmt: skip
    return lively(Gemma3ForConditionalGeneration(config))


FAMILY = Family(lambda: (model(), processor()), sizes=((112, 56), (56, 112), (84, 84), (75, 40), (301, 150), (20, 17)))

"""Idefics in its published form: a resampler of 6 latents, read before every second of four layers."""

from __future__ import annotations

from typing import Any

from suite.support.models.families import TEXT, Family, lively, tokenizer

SIDE, PATCH, LATENTS = 28, 14, 6
ADDED = ("<fake_token_around_image>", "<image>", "<end_of_utterance>")


def build(side: int = SIDE, **changes: Any) -> tuple[Any, Any]:
    from transformers import IdeficsConfig, IdeficsForVisionText2Text, IdeficsProcessor
    from transformers.models.idefics.image_processing_pil_idefics import IdeficsImageProcessorPil

    words = tokenizer(*ADDED)
    text = {name: value for name, value in TEXT.items() if name not in ("num_key_value_heads", "head_dim")}
    settings: dict[str, Any] = {
        **text, "vocab_size": len(words) - 3, "additional_vocab_size": 3,
        "cross_layer_interval": 2, "use_resampler": True, "qk_layer_norms": True, "alpha_initializer": "ones",
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
        "vision_config": {
            "embed_dim": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
            "image_size": side, "patch_size": PATCH,
        },
        "perceiver_config": {
            "use_resampler": True, "resampler_n_latents": LATENTS, "resampler_depth": 1, "resampler_n_heads": 2,
            "resampler_head_dim": 8,
        },
        **changes,
    }  # fmt: skip
    model: Any = IdeficsForVisionText2Text(IdeficsConfig(**settings))
    return lively(model), IdeficsProcessor(IdeficsImageProcessorPil(image_size=side), words)


FAMILY = Family(build, regions=False)

"""A random LLaVA of a few thousand parameters, built from transformers' own classes alone."""

from __future__ import annotations

from functools import cache
from typing import Any

from fixtures.models.prompt_texts import INSTRUCTION, VICUNA_SYSTEM

BOS, EOS, PAD, IMAGE = "<s>", "</s>", "<pad>", "<image>"
CHAT_TEMPLATE = (
    "{% for message in messages %}USER: {% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>\n{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endfor %}"
    "{% if add_generation_prompt %} ASSISTANT:{% endif %}"
)


@cache
def tokenizer() -> Any:
    """A byte-level BPE, whose rules for spaces and offsets differ from those of LLaVA-1.5's SentencePiece."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=500,
        special_tokens=[AddedToken(token, special=True, normalized=False) for token in (BOS, EOS, PAD, IMAGE)],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    words = " yellow Yellow black shirt shirts dog dogs hat phone What telephone left right" * 3
    bpe.train_from_iterator([VICUNA_SYSTEM, INSTRUCTION, words, "USER: ASSISTANT:"], trainer)
    bpe.post_processor = processors.TemplateProcessing(single=f"{BOS} $A", special_tokens=[(BOS, bpe.token_to_id(BOS))])
    return PreTrainedTokenizerFast(tokenizer_object=bpe, bos_token=BOS, eos_token=EOS, pad_token=PAD)


def processor(
    words: Any = None,
    pixels: int = 56,
    patch: int | None = 14,
    template: str | None = CHAT_TEMPLATE,
    **settings: Any,
) -> Any:
    """A `LlavaProcessor` that resizes and crops like that of the hub's LLaVA-1.5; *settings* are its own."""
    from transformers import LlavaProcessor
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    images = CLIPImageProcessorPil(size={"shortest_edge": pixels}, crop_size={"height": pixels, "width": pixels})
    defaults = {"vision_feature_select_strategy": "default", "num_additional_image_tokens": 1}
    return LlavaProcessor(
        images, words or tokenizer(), patch_size=patch, chat_template=template, **{**defaults, **settings}
    )


def model(words: Any = None, pixels: int = 56, patch: int = 14, layers: int = 3, **settings: Any) -> Any:
    """A `LlavaForConditionalGeneration` with seeded random weights; *settings* go to its configuration."""
    import torch
    from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration

    words = words or tokenizer()
    vision = CLIPVisionConfig(
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=pixels,
        patch_size=patch,
    )
    text = LlamaConfig(
        vocab_size=len(words),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=layers,
        num_attention_heads=2,
        bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id,
    )
    image_token = words.convert_tokens_to_ids(IMAGE)
    config = LlavaConfig(vision_config=vision, text_config=text, image_token_index=image_token, **settings)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return LlavaForConditionalGeneration(config).eval()

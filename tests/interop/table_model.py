"""Makes a small llama model whose answers are known: ``python -m tests.interop.table_model FILE``.

Which token follows is a table. Each token's embedding is a vector of its own, nearly at right angles
to the others; attention and the feed-forward layer add nothing to it; and the output layer gives the
greatest logit to the token that comes next. So the model is loaded, tokenised, sampled and streamed
like any other, and what it says can be written down beforehand. Two runs make the same file.

Some characters are tokens of single bytes, as in real vocabularies: one takes three or four tokens.
Runs in the environment of the model servers, for their ``gguf`` and ``numpy``.
"""

import sys
from collections.abc import Sequence

import gguf
import numpy as np
import numpy.typing as npt

from tests.interop.answers import ANSWERS
from tests.interop.llama_limits import CONTEXT

_WIDTH = 256
_LAYERS = 2
_HEADS = 8
_HIDDEN = 64
# So far above the other logits that no temperature draws another token.
_CERTAIN = 80.0

_UNKNOWN, _BEGIN, _END = 0, 1, 2

_TEMPLATE = """\
{%- for message in messages -%}
{{- '<|' + message.role + '|>' -}}
{%- if message.role == 'assistant' and message.reasoning_content -%}
{{- '<think>' + message.reasoning_content + '</think>' -}}
{%- endif -%}
{{- message.content + '\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
{%- set question = messages[-1].content -%}
{%- if 'endless' in question -%}{{- '<|endless|>' -}}
{%- elif 'steps' in question -%}{{- '<|steps|>' -}}
{%- elif 'think' in question -%}{{- '<|thoughtful|>' -}}
{%- else -%}{{- '<|short|>' -}}
{%- endif -%}
{%- endif -%}
"""


def _vocabulary() -> tuple[list[str], list[gguf.TokenType]]:
    """Every token's text and kind; its place is its number."""
    kinds = {
        "<unk>": gguf.TokenType.UNKNOWN,
        "<s>": gguf.TokenType.CONTROL,
        "</s>": gguf.TokenType.CONTROL,
    }
    kinds |= {f"<0x{byte:02X}>": gguf.TokenType.BYTE for byte in range(256)}
    kinds |= dict.fromkeys(("<|system|>", "<|user|>", "<|assistant|>"), gguf.TokenType.CONTROL)
    kinds |= dict.fromkeys(ANSWERS, gguf.TokenType.CONTROL)
    for answer in ANSWERS.values():
        for token in answer:
            kinds.setdefault(token, gguf.TokenType.NORMAL)
    kinds |= dict.fromkeys(("<think>", "</think>"), gguf.TokenType.USER_DEFINED)
    return list(kinds), list(kinds.values())


def _followers(tokens: Sequence[str]) -> dict[int, int]:
    """Which token follows which."""
    number = {token: at for at, token in enumerate(tokens)}
    following: dict[int, int] = {}
    for beginning, answer in ANSWERS.items():
        for token, then in zip((beginning, *answer), answer, strict=False):
            known = following.setdefault(number[token], number[then])
            if known != number[then]:
                raise ValueError(f"{token!r} has two followers")
    return following


def make(path: str) -> None:
    """Write the model to ``path``."""
    tokens, kinds = _vocabulary()
    random = np.random.default_rng(20261126)
    vectors = random.choice(np.array([-1.0, 1.0]), size=(len(tokens), _WIDTH))
    output = np.zeros_like(vectors)
    for token, then in _followers(tokens).items():
        output[then] += vectors[token] * (_CERTAIN / _WIDTH)

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("table")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(_LAYERS)
    writer.add_feed_forward_length(_HIDDEN)
    writer.add_head_count(_HEADS)
    writer.add_head_count_kv(_HEADS)
    writer.add_rope_dimension_count(_WIDTH // _HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_scores([-float(at) for at in range(len(tokens))])
    writer.add_token_types(kinds)
    writer.add_unk_token_id(_UNKNOWN)
    writer.add_bos_token_id(_BEGIN)
    writer.add_eos_token_id(_END)
    writer.add_add_bos_token(True)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(_TEMPLATE)

    def add(name: str, weights: npt.NDArray[np.float64]) -> None:
        narrow = weights.ndim > 1
        writer.add_tensor(name, weights.astype(np.float16 if narrow else np.float32))

    add("token_embd.weight", vectors)
    add("output_norm.weight", np.ones(_WIDTH))
    add("output.weight", output)
    for layer in range(_LAYERS):
        for part in ("attn_norm", "ffn_norm"):
            add(f"blk.{layer}.{part}.weight", np.ones(_WIDTH))
        for part in ("attn_q", "attn_k", "attn_v"):
            add(f"blk.{layer}.{part}.weight", random.normal(0, 0.05, (_WIDTH, _WIDTH)))
        for part in ("ffn_gate", "ffn_up"):
            add(f"blk.{layer}.{part}.weight", random.normal(0, 0.05, (_HIDDEN, _WIDTH)))
        add(f"blk.{layer}.attn_output.weight", np.zeros((_WIDTH, _WIDTH)))
        add(f"blk.{layer}.ffn_down.weight", np.zeros((_WIDTH, _HIDDEN)))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    make(sys.argv[1])

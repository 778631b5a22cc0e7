"""Makes the tiny random models of this directory, with reference results by Hugging Face transformers.

    python make_models.py [output directory]

Made with Python 3.11+, torch 2.13.0 (CPU), transformers 5.18.0, safetensors and tokenizers as that
transformers pins them. Weights depend on the seeds below and on torch's generator; the references
depend on the weights alone, up to the order of 32-bit sums.

A factor on embeddings (Gemma) has the checkpoint's type, as in a model that computes in that type.
Models with windows have windows much shorter than the longest prompts. Choices of experts are never
near ties: MIN_ROUTER_MARGIN.

Weights are spread much wider than a trained model's, norm weights included, so that a fault in any
part of the forward pass moves the logits by far more than rounding does.

reference.json of each model (all arithmetic in 32-bit floats, weights widened first):
  prompts[]:  tokens                 the prompt
              positions[]            some of its positions, always the last:
                position             index of the row
                logSumExp            of all its logits
                top                  its 8 largest logits as [token, logit], largest first
              lastLogits             all logits of the last position, base64 of little-endian floats
              greedy                 24 greedily chosen tokens that follow (no end-of-sequence)
              margins                largest minus second largest logit of each of these steps
"""

import base64
import json
import pathlib
import shutil
import struct
import sys

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM
from transformers import Gemma2Config, Gemma2ForCausalLM, Gemma3ForCausalLM, Gemma3TextConfig
from transformers import MistralConfig, MistralForCausalLM, MixtralConfig, MixtralForCausalLM
from transformers import Phi3Config, Phi3ForCausalLM
from transformers import Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM
from transformers import Qwen3MoeConfig, Qwen3MoeForCausalLM
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding
from transformers.models.phi3.modeling_phi3 import Phi3RotaryEmbedding

PROMPT_LENGTHS = [1, 7, 33, 130]
GREEDY_TOKENS = 24
WEIGHT_STD = 0.25
# Least distance of two router scores of which one is chosen, in all rows of all prompts.
MIN_ROUTER_MARGIN = 1e-3
COMMON = dict(max_position_embeddings=512, bos_token_id=1, eos_token_id=2, rms_norm_eps=1e-5)
LLAMA3_ROPE = dict(
    rope_type="llama3",
    rope_theta=500000.0,
    factor=8.0,
    low_freq_factor=1.0,
    high_freq_factor=4.0,
    original_max_position_embeddings=32,
)


def randomize(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            noise = torch.randn(parameter.shape, generator=generator)
            gemma = model.config.model_type.startswith("gemma")
            if gemma and name == "model.norm.weight":
                parameter.copy_(3 + 0.3 * noise)
            elif gemma and name == "model.embed_tokens.weight":
                # Or else, being scaled and the head as well, they would repeat every token.
                parameter.copy_(0.06 * noise)
            elif name.endswith("norm.weight"):
                parameter.copy_((0 if gemma else 1) + 0.3 * noise)
            else:
                parameter.copy_(WEIGHT_STD * noise)


def positions_of(length):
    return sorted({0, length // 3, 2 * length // 3, length - 1})


def position_reference(logits, position):
    row = logits[position]
    top = torch.topk(row, 8)
    return {
        "position": position,
        "logSumExp": round(torch.logsumexp(row, 0).item(), 5),
        "top": [[t, round(v, 5)] for t, v in zip(top.indices.tolist(), top.values.tolist())],
    }


def prompt_reference(model, tokens):
    logits = model(torch.tensor([tokens])).logits[0]
    last = logits[-1]
    greedy, margins = [], []
    for _ in range(GREEDY_TOKENS):
        best = torch.topk(last, 2)
        greedy.append(best.indices[0].item())
        margins.append(round((best.values[0] - best.values[1]).item(), 5))
        last = model(torch.tensor([tokens + greedy])).logits[0, -1]
    flat = logits[-1].tolist()
    return {
        "tokens": tokens,
        "positions": [position_reference(logits, p) for p in positions_of(len(tokens))],
        "lastLogits": base64.b64encode(struct.pack(f"<{len(flat)}f", *flat)).decode(),
        "greedy": greedy,
        "margins": margins,
    }


def watch_routers(model):
    """Collects how far the last chosen expert's score is above the best of the others."""
    margins = []

    def look(module, arguments, result):
        ranked = torch.sort(result[0].float(), dim=-1, descending=True).values
        margins.append((ranked[:, module.top_k - 1] - ranked[:, module.top_k]).min().item())

    for module in model.modules():
        if type(module).__name__.endswith("TopKRouter"):
            module.register_forward_hook(look)
    return margins


def write_reference(directory, dtype, seed):
    model = AutoModelForCausalLM.from_pretrained(
        directory, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    embedding = model.get_input_embeddings()
    if hasattr(embedding, "embed_scale"):
        embedding.embed_scale = embedding.embed_scale.to(dtype).float()
    margins = watch_routers(model)
    vocabulary = model.config.vocab_size
    generator = torch.Generator().manual_seed(seed)
    prompts = [
        torch.randint(3, vocabulary, (length,), generator=generator).tolist()
        for length in PROMPT_LENGTHS
    ]
    with torch.no_grad():
        reference = {"prompts": [prompt_reference(model, tokens) for tokens in prompts]}
    if margins:
        print(f"{directory.name}: routers decide by at least {min(margins):.2g}")
        assert min(margins) > MIN_ROUTER_MARGIN
    lines = json.dumps(reference, separators=(",", ":")).replace('{"tokens"', '\n{"tokens"')
    (directory / "reference.json").write_text(lines + "\n")


def make(root, name, model_class, config, dtype, seed, max_shard_size="1GB"):
    directory = root / name
    shutil.rmtree(directory, ignore_errors=True)
    model = model_class(config)
    randomize(model, seed)
    model.to(dtype).save_pretrained(directory, max_shard_size=max_shard_size)
    write_reference(directory, dtype, seed + 1)
    return directory


def use_older_config_form(directory):
    """Rewrites config.json as transformers 4 wrote it, which most published models still have."""
    path = directory / "config.json"
    config = json.loads(path.read_text())
    rope = config.pop("rope_parameters")
    config["rope_theta"] = rope.pop("rope_theta")
    config["rope_scaling"] = rope if rope["rope_type"] != "default" else None
    config["torch_dtype"] = config.pop("dtype")
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def add_unused_buffers(directory):
    """Old Llama checkpoints carry rotary buffers; loaders have to pass over them."""
    path = directory / "model.safetensors"
    tensors = load_file(path)
    tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.ones(8, dtype=torch.float32)
    tensors["model.layers.0.self_attn.steps"] = torch.tensor([3], dtype=torch.int64)
    save_file(tensors, path, metadata={"format": "pt"})


def write_tokenizer(directory, vocabulary):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from tokenizers import AddedToken

    specials = ["<|pad|>", "<|begin|>", "<|im_end|>", "<|im_start|>"]
    entries = {text: i for i, text in enumerate(specials)}
    for text in sorted(pre_tokenizers.ByteLevel.alphabet()):
        entries[text] = len(entries)
    tokenizer = Tokenizer(models.BPE(vocab=entries, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(text, special=True) for text in specials])
    assert tokenizer.get_vocab_size() <= vocabulary
    tokenizer.save(str(directory / "tokenizer.json"), pretty=False)
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<|begin|>",
        "eos_token": "<|im_end|>",
        "pad_token": "<|pad|>",
        "add_bos_token": False,
        "clean_up_tokenization_spaces": False,
        "model_max_length": 512,
        "chat_template": (
            "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n'"
            " + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
            "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
        ),
    }
    (directory / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")


def write_rope_fixture(root):
    """Cosines and sines of transformers' own rotary embedding at a few positions.

    The last position is that of the longest context, which "dynamic" and "longrope" go by.
    """
    yarn = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=1024)
    longrope = dict(
        rope_type="longrope",
        short_factor=[1 + 0.1 * i for i in range(12)],
        long_factor=[2 + 3.0 * i for i in range(12)],
        partial_rotary_factor=0.75,
    )
    positions = [0, 1, 2, 31, 100, 511, 4000]
    cases = []
    for name, theta, head_dim, longest, scaling in [
        ("default", 10000.0, 16, 131072, None),
        ("default", 1000000.0, 128, 131072, None),
        ("llama3", 500000.0, 128, 131072, dict(LLAMA3_ROPE, original_max_position_embeddings=8192)),
        ("llama3", 500000.0, 16, 131072, LLAMA3_ROPE),
        ("linear", 10000.0, 32, 131072, dict(rope_type="linear", factor=2.5)),
        ("dynamic", 10000.0, 32, 131072, dict(rope_type="dynamic", factor=4.0)),
        ("dynamic", 10000.0, 32, 1024, dict(rope_type="dynamic", factor=4.0)),
        ("yarn", 1000000.0, 128, 4096, yarn),
        ("yarn", 10000.0, 16, 4096, dict(yarn, beta_fast=16.0, beta_slow=2.0, truncate=False)),
        ("yarn", 10000.0, 64, 4096, dict(yarn, mscale=1.0, mscale_all_dim=0.8)),
        ("yarn", 10000.0, 64, 4096, dict(yarn, attention_factor=1.5)),
        ("longrope", 10000.0, 32, 131072, dict(longrope, original_max_position_embeddings=8192)),
        ("longrope", 10000.0, 32, 4096, dict(longrope, original_max_position_embeddings=1024)),
    ]:
        rope = scaling or dict(rope_type="default", rope_theta=theta)
        phi = name == "longrope"
        extra = (
            dict(original_max_position_embeddings=rope["original_max_position_embeddings"])
            if phi else dict(head_dim=head_dim)
        )
        config = (Phi3Config if phi else LlamaConfig)(
            hidden_size=head_dim, num_attention_heads=1, num_key_value_heads=1, pad_token_id=0,
            max_position_embeddings=longest, rope_parameters=dict(rope, rope_theta=theta), **extra,
        )
        rotary = (Phi3RotaryEmbedding if phi else LlamaRotaryEmbedding)(config)
        cos, sin = rotary(torch.zeros(1), torch.tensor([positions]))
        half = cos.shape[-1] // 2
        cases.append({
            "rope": dict(rope, rope_theta=theta),
            "maxPositions": longest,
            "headDim": head_dim,
            "inverseFrequencies": rotary.inv_freq.tolist(),
            "positions": positions,
            "cos": [row[:half].tolist() for row in cos[0]],
            "sin": [row[:half].tolist() for row in sin[0]],
        })
    for case in cases:
        for key in ("cos", "sin"):
            case[key] = [[float(f"{v:.8g}") for v in row] for row in case[key]]
        case["inverseFrequencies"] = [float(f"{v:.9g}") for v in case["inverseFrequencies"]]
    text = json.dumps(cases, separators=(",", ":")).replace('{"rope"', '\n{"rope"')
    (root / "rope.json").write_text(text + "\n")


def plain_rope(theta=10000.0, **scaling):
    return dict(dict(rope_type="default", rope_theta=theta), **scaling)


def make_other_architectures(root):
    """Two to four layers each; windows of 20 to 50 tokens, no multiples of tiles or blocks."""
    small = dict(COMMON, hidden_size=64, intermediate_size=96, num_hidden_layers=2)
    grouped = dict(small, num_attention_heads=4, num_key_value_heads=2)
    make(root, "mistral-tiny", MistralForCausalLM, MistralConfig(
        **grouped, vocab_size=288, sliding_window=37, rope_parameters=plain_rope(),
    ), torch.bfloat16, 55)
    use_older_config_form(root / "mistral-tiny")

    make(root, "qwen2-tiny", Qwen2ForCausalLM, Qwen2Config(
        **dict(grouped, num_hidden_layers=3), vocab_size=280, tie_word_embeddings=True,
        use_sliding_window=True, sliding_window=29, max_window_layers=1,
        rope_parameters=plain_rope(
            1000000.0, rope_type="yarn", factor=4.0, original_max_position_embeddings=64),
    ), torch.bfloat16, 66)

    # 80 has no whole root: the scale of embeddings is rounded.
    gemma = dict(
        grouped, hidden_size=80, head_dim=32, query_pre_attn_scalar=24, vocab_size=272,
        pad_token_id=0,
    )
    make(root, "gemma2-tiny", Gemma2ForCausalLM, Gemma2Config(
        **dict(gemma, num_hidden_layers=3), sliding_window=23, attn_logit_softcapping=3.0,
        final_logit_softcapping=9.0, rope_parameters=plain_rope(),
    ), torch.bfloat16, 77)
    use_older_config_form(root / "gemma2-tiny")

    make(root, "gemma3-tiny", Gemma3ForCausalLM, Gemma3TextConfig(
        **dict(gemma, num_hidden_layers=4), sliding_window=45,
        layer_types=[f"{kind}_attention" for kind in ("sliding", "sliding", "full", "sliding")],
        rope_parameters=dict(
            full_attention=plain_rope(1000000.0, rope_type="linear", factor=8.0),
            sliding_attention=plain_rope(),
        ),
    ), torch.bfloat16, 88)

    # Of 32 elements per head, 24 turn. To the second one, contexts beyond 32 tokens are long.
    make(root, "phi3-tiny", Phi3ForCausalLM, Phi3Config(
        **dict(small, hidden_size=96), num_attention_heads=3, num_key_value_heads=1,
        vocab_size=264, pad_token_id=0, sliding_window=41, original_max_position_embeddings=512,
        rope_parameters=plain_rope(partial_rotary_factor=0.75),
    ), torch.bfloat16, 99)
    make(root, "phi3-longrope-tiny", Phi3ForCausalLM, Phi3Config(
        **dict(small, hidden_size=64), num_attention_heads=2, num_key_value_heads=2,
        vocab_size=260, pad_token_id=0, original_max_position_embeddings=32,
        rope_parameters=plain_rope(
            rope_type="longrope", partial_rotary_factor=0.75,
            short_factor=[1 + 0.2 * i for i in range(12)],
            long_factor=[1 + 1.5 * i for i in range(12)],
        ),
    ), torch.float16, 111)
    make(root, "llama-linear-tiny", LlamaForCausalLM, LlamaConfig(
        **small, vocab_size=256, num_attention_heads=4, num_key_value_heads=4,
        rope_parameters=plain_rope(rope_type="linear", factor=4.0),
    ), torch.bfloat16, 122)
    use_older_config_form(root / "llama-linear-tiny")
    make(root, "llama-dynamic-tiny", LlamaForCausalLM, LlamaConfig(
        **small, vocab_size=256, num_attention_heads=4, num_key_value_heads=1,
        rope_parameters=plain_rope(rope_type="dynamic", factor=4.0),
    ), torch.bfloat16, 133)
    use_older_config_form(root / "llama-dynamic-tiny")

    experts = dict(grouped, hidden_size=48, num_attention_heads=3, num_key_value_heads=1, head_dim=32)
    make(root, "mixtral-tiny", MixtralForCausalLM, MixtralConfig(
        **dict(experts, intermediate_size=40), vocab_size=256, num_local_experts=5,
        num_experts_per_tok=2, sliding_window=50, rope_parameters=plain_rope(1000000.0),
    ), torch.bfloat16, 144)
    use_older_config_form(root / "mixtral-tiny")
    make(root, "qwen3-moe-tiny", Qwen3MoeForCausalLM, Qwen3MoeConfig(
        **dict(experts, num_hidden_layers=3), vocab_size=256, num_experts=7,
        num_experts_per_tok=3, moe_intermediate_size=32, norm_topk_prob=False, mlp_only_layers=[1],
        rope_parameters=plain_rope(1000000.0),
    ), torch.float32, 155)


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
    llama = dict(COMMON, hidden_size=64, intermediate_size=96, num_hidden_layers=2)
    make(root, "llama-tiny", LlamaForCausalLM, LlamaConfig(
        **llama, vocab_size=272, num_attention_heads=4, num_key_value_heads=2,
        rope_parameters=dict(rope_type="default", rope_theta=10000.0),
    ), torch.float32, 11)
    directory = root / "llama-tiny"
    write_tokenizer(directory, 272)

    directory = make(root, "llama3-rope-tiny", LlamaForCausalLM, LlamaConfig(
        **dict(llama, num_hidden_layers=3), vocab_size=320, num_attention_heads=4,
        num_key_value_heads=1, tie_word_embeddings=True, rope_parameters=dict(LLAMA3_ROPE),
    ), torch.bfloat16, 22)
    use_older_config_form(directory)

    directory = make(root, "llama-mha-f16", LlamaForCausalLM, LlamaConfig(
        **llama, vocab_size=256, num_attention_heads=4, head_dim=32,
        rope_parameters=dict(rope_type="default", rope_theta=10000.0),
    ), torch.float16, 33)
    use_older_config_form(directory)
    add_unused_buffers(directory)

    qwen3 = Qwen3Config(
        **dict(llama, num_hidden_layers=3), vocab_size=300, num_attention_heads=4,
        num_key_value_heads=2, head_dim=32,
        rope_parameters=dict(rope_type="default", rope_theta=1000000.0),
    )
    make(root, "qwen3-tiny", Qwen3ForCausalLM, qwen3, torch.bfloat16, 44)
    make(root, "qwen3-sharded", Qwen3ForCausalLM, qwen3, torch.bfloat16, 44, max_shard_size="120KB")
    make_other_architectures(root)
    write_rope_fixture(root)


if __name__ == "__main__":
    main()

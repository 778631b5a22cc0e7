"""Makes the tiny random models of this directory, with reference results by Hugging Face transformers.

    python make_models.py [output directory]

Made with Python 3.11+, torch 2.13.0 (CPU), transformers 5.18.0, safetensors and tokenizers as that
transformers pins them. Weights depend on the seeds below and on torch's generator; the references
depend on the weights alone, up to the order of 32-bit sums.

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
from transformers import Qwen3Config, Qwen3ForCausalLM
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

PROMPT_LENGTHS = [1, 7, 33, 130]
GREEDY_TOKENS = 24
WEIGHT_STD = 0.25
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
            if name.endswith("norm.weight"):
                parameter.copy_(1 + 0.3 * noise)
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


def write_reference(directory, seed):
    model = AutoModelForCausalLM.from_pretrained(
        directory, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    vocabulary = model.config.vocab_size
    generator = torch.Generator().manual_seed(seed)
    prompts = [
        torch.randint(3, vocabulary, (length,), generator=generator).tolist()
        for length in PROMPT_LENGTHS
    ]
    with torch.no_grad():
        reference = {"prompts": [prompt_reference(model, tokens) for tokens in prompts]}
    lines = json.dumps(reference, separators=(",", ":")).replace('{"tokens"', '\n{"tokens"')
    (directory / "reference.json").write_text(lines + "\n")


def make(root, name, model_class, config, dtype, seed, max_shard_size="1GB"):
    directory = root / name
    shutil.rmtree(directory, ignore_errors=True)
    model = model_class(config)
    randomize(model, seed)
    model.to(dtype).save_pretrained(directory, max_shard_size=max_shard_size)
    write_reference(directory, seed + 1)
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
    """Cosines and sines of transformers' own rotary embedding at a few positions."""
    cases = []
    for name, theta, head_dim, scaling in [
        ("default", 10000.0, 16, None),
        ("default", 1000000.0, 128, None),
        ("llama3", 500000.0, 128, dict(LLAMA3_ROPE, original_max_position_embeddings=8192)),
        ("llama3", 500000.0, 16, LLAMA3_ROPE),
    ]:
        rope = scaling or dict(rope_type="default", rope_theta=theta)
        config = LlamaConfig(
            hidden_size=head_dim, num_attention_heads=1, head_dim=head_dim,
            max_position_embeddings=131072, rope_parameters=dict(rope, rope_theta=theta),
        )
        rotary = LlamaRotaryEmbedding(config)
        positions = [0, 1, 2, 31, 100, 511, 4000]
        cos, sin = rotary(torch.zeros(1), torch.tensor([positions]))
        half = head_dim // 2
        cases.append({
            "rope": dict(rope, rope_theta=theta),
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
    write_rope_fixture(root)


if __name__ == "__main__":
    main()

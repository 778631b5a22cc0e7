"""Makes the GGUF files of this directory, with what they are to be compared with.

    python make_gguf.py [output directory]

Made with Python 3.11, gguf 0.19.0 (llama.cpp's own package), torch 2.13.0 (CPU), transformers
5.18.0, sentencepiece 0.2.2. Needs ../models and ../tokenizers beside this directory.

blocks/ENCODING.bin      blocks with random bits, scales at the edges of f16 among them: their
                         number, their bytes, and gguf's own dequantized values as 32-bit floats
NAME/model.gguf          tiny models. Those of one 16-bit type hold the weights of a model in
                         ../models; the others, mixtures of block types, are random, with
                         config.json and reference.json as in ../models, made by transformers
                         with the dequantized weights
tokenizers/NAME.gguf     vocabularies of ../tokenizers/NAME
tokenizers/trained.gguf  a vocabulary that SentencePiece trained; trained.json has its own ids
"""

import json
import pathlib
import shutil
import sys
import tempfile

import gguf
import numpy as np
import sentencepiece
import torch
from gguf import GGMLQuantizationType as Type
from safetensors.torch import load_file
from sentencepiece import sentencepiece_model_pb2
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM
from transformers import Qwen3Config, Qwen3ForCausalLM

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "models"))
sys.path.insert(0, str(HERE.parent / "tokenizers"))
import make_models  # noqa: E402
import make_tokenizers  # noqa: E402

BLOCKS = {Type.Q8_0: 40, Type.Q4_0: 40, Type.Q4_K: 12, Type.Q6_K: 12}
# Zero, the least subnormal, the largest subnormal, the least normal, one, the largest, of both
# signs; infinity.
EDGES = [0x0000, 0x8000, 0x0001, 0x8001, 0x03FF, 0x0400, 0x3C00, 0xBC00, 0x7BFF, 0xFBFF, 0x7C00]
# Where blocks have their scales, in halves.
SCALES = {Type.Q8_0: [0], Type.Q4_0: [0], Type.Q4_K: [0, 1], Type.Q6_K: [104]}

NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def random_blocks(kind, count, rng):
    size = gguf.GGML_QUANT_SIZES[kind][1]
    return rng.integers(0, 256, (count, size), dtype=np.uint8)


def write_blocks(root, rng):
    (root / "blocks").mkdir(parents=True)
    for kind, count in BLOCKS.items():
        blocks = random_blocks(kind, count, rng)
        halves = blocks.view(np.uint16)
        for i in range(count):
            for scale in SCALES[kind]:
                # No NaNs, whose bits are nobody's business.
                halves[i, scale] = EDGES[(i + scale) % len(EDGES)] if i < 2 * len(EDGES) else (
                    rng.integers(0, 0x7C00) | rng.integers(0, 2) << 15)
        with np.errstate(all="ignore"):
            values = gguf.dequantize(blocks, kind)
        data = np.uint32(count).tobytes() + blocks.tobytes() + values.astype("<f4").tobytes()
        (root / "blocks" / f"{kind.name}.bin").write_bytes(data)


def quantized(values, kind, rng):
    """Blocks for a matrix, and the values that they stand for."""
    if kind in (Type.F16, Type.Q8_0, Type.Q4_0):
        blocks = gguf.quantize(values, kind)
    else:
        # gguf does not quantize to these; random bits with scales that give useful values.
        rows, columns = values.shape
        blocks = random_blocks(kind, rows * columns // 256, rng)
        halves = blocks.view(np.float16)
        count = len(blocks)
        if kind == Type.Q4_K:
            halves[:, 0] = rng.uniform(0.0006, 0.0012, count)
            halves[:, 1] = halves[:, 0].astype(np.float32) * rng.uniform(6, 9, count)
        else:
            halves[:, 104] = rng.uniform(0.00008, 0.0002, count) * rng.choice([-1, 1], count)
        blocks = blocks.reshape(rows, -1)
    return blocks, gguf.dequantize(blocks, kind).reshape(values.shape)


def gguf_name(name):
    """The name in a GGUF file of a tensor that transformers names."""
    stem, ending = name.rsplit(".", 1)
    if stem.startswith("model.layers."):
        _, _, layer, part = stem.split(".", 3)
        return f"blk.{layer}.{NAMES[part]}.{ending}"
    return f"{NAMES[stem]}.{ending}"


def permuted(rows, heads):
    """The order of rows that llama.cpp rotates in: element i of both halves side by side."""
    return rows.reshape(heads, 2, rows.shape[0] // heads // 2, -1).swapaxes(1, 2).reshape(
        rows.shape)


def add_tensor(writer, name, data, kind, config):
    if config.model_type == "llama" and name.endswith("q_proj.weight"):
        data = permuted(data, config.num_attention_heads)
    if config.model_type == "llama" and name.endswith("k_proj.weight"):
        data = permuted(data, config.num_key_value_heads)
    writer.add_tensor(gguf_name(name), np.ascontiguousarray(data), raw_dtype=kind)


def open_writer(path, config):
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(path, config.model_type)
    writer.add_name(path.parent.name)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    writer.add_key_length(head_dim)
    writer.add_value_length(head_dim)
    writer.add_rope_dimension_count(head_dim)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    rope = config.rope_parameters
    writer.add_rope_freq_base(rope["rope_theta"])
    if rope["rope_type"] == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(rope["factor"])
    if rope["rope_type"] == "llama3":
        writer.add_tensor("rope_freqs.weight", llama3_factors(rope, head_dim))
    return writer


def llama3_factors(rope, dim):
    """As llama.cpp's converter computes them."""
    frequencies = 1.0 / rope["rope_theta"] ** (np.arange(0, dim, 2, dtype=np.float32) / dim)
    low = rope["original_max_position_embeddings"] / rope["low_freq_factor"]
    high = rope["original_max_position_embeddings"] / rope["high_freq_factor"]
    factors = []
    for frequency in frequencies:
        length = 2 * np.pi / frequency
        if length < high:
            factors.append(1)
        elif length > low:
            factors.append(rope["factor"])
        else:
            smooth = (rope["original_max_position_embeddings"] / length - rope["low_freq_factor"]) / (
                rope["high_freq_factor"] - rope["low_freq_factor"])
            factors.append(1 / ((1 - smooth) / rope["factor"] + smooth))
    return np.array(factors, dtype=np.float32)


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file(progress=False)
    writer.close()


def convert(root, name, source, config_class, kind):
    """Weights of a model in ../models as they are."""
    folder = HERE.parent / "models" / source
    config = config_class.from_pretrained(folder)
    writer = open_writer(root / name / "model.gguf", config)
    for key, tensor in load_file(folder / "model.safetensors").items():
        if tensor.dim() == 1 and key.endswith("norm.weight"):
            writer.add_tensor(gguf_name(key), tensor.float().numpy())
        elif tensor.dim() == 2:
            bits = tensor.contiguous().view(torch.int16).numpy().view(np.uint16)
            data = bits.view(np.float16) if kind == Type.F16 else bits
            add_tensor(writer, key, data, kind, config)
    finish(writer)


def make(root, name, model_class, config, kinds, seed, add_tokenizer=None):
    """A random model whose matrices are stored as `kinds` says, by the ends of their names."""
    rng = np.random.default_rng(seed)
    model = model_class(config)
    make_models.randomize(model, seed)
    writer = open_writer(root / name / "model.gguf", config)
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            values = parameter.numpy()
            if values.ndim == 1:
                writer.add_tensor(gguf_name(key), values.copy())
                continue
            kind = next(kind for end, kind in kinds.items() if key.removesuffix(".weight").endswith(end))
            blocks, values = quantized(values, kind, rng)
            parameter.copy_(torch.from_numpy(values))
            add_tensor(writer, key, blocks, kind, config)
    writer.add_bos_token_id(config.bos_token_id)
    if add_tokenizer:
        add_tokenizer(writer)
    else:
        writer.add_eos_token_id(config.eos_token_id)
    finish(writer)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder) / name
        model.save_pretrained(folder)
        make_models.write_reference(folder, torch.float32, seed + 1)
        for file in ("config.json", "reference.json"):
            shutil.copy(folder / file, root / name / file)


def make_models_of_blocks(root):
    small = dict(make_models.COMMON, num_hidden_layers=1)
    wide = dict(small, hidden_size=256, intermediate_size=256, num_attention_heads=2, head_dim=32)
    make(root, "llama-q4_k", LlamaForCausalLM, LlamaConfig(
        **wide, vocab_size=256, num_key_value_heads=1,
        rope_parameters=dict(make_models.LLAMA3_ROPE),
    ), {
        "embed_tokens": Type.Q6_K, "q_proj": Type.Q4_K, "k_proj": Type.Q4_K, "v_proj": Type.Q6_K,
        "o_proj": Type.Q8_0, "gate_proj": Type.Q4_K, "up_proj": Type.Q4_K,
        "down_proj": Type.Q6_K, "lm_head": Type.Q4_K,
    }, 501)
    make(root, "qwen3-q6_k", Qwen3ForCausalLM, Qwen3Config(
        **wide, vocab_size=256, num_key_value_heads=2, tie_word_embeddings=True,
        rope_parameters=dict(rope_type="default", rope_theta=1000000.0),
    ), {"o_proj": Type.Q8_0, "": Type.Q6_K}, 502)
    # 48 rows of keys are no whole number of panels.
    make(root, "qwen2-q4_0", Qwen2ForCausalLM, Qwen2Config(
        **dict(small, num_hidden_layers=2), hidden_size=64, intermediate_size=96, head_dim=16,
        num_attention_heads=6, num_key_value_heads=3, vocab_size=512,
        rope_parameters=dict(rope_type="default", rope_theta=1000000.0),
    ), {
        "embed_tokens": Type.Q8_0, "v_proj": Type.Q8_0, "down_proj": Type.Q8_0, "up_proj": Type.F16,
        "": Type.Q4_0,
    }, 503, add_qwen_tokenizer)


CHAT = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def add_qwen_tokenizer(writer):
    add_tokenizer(writer, "qwen", "gpt2", "qwen2", 512)
    writer.add_eos_token_id(504)
    writer.add_pad_token_id(500)
    writer.add_chat_template(CHAT)
    writer.add_float32("general.sampling.temp", 0.5)
    writer.add_int32("general.sampling.top_k", 40)


def add_tokenizer(writer, name, model, pre, rows=0):
    """The vocabulary of ../tokenizers/NAME, filled up to the rows of an embedding."""
    source = json.loads((HERE.parent / "tokenizers" / name / "tokenizer.json").read_text())
    entries = dict(source["model"]["vocab"])
    added = {token["content"]: token for token in source["added_tokens"]}
    entries.update({content: token["id"] for content, token in added.items()})
    tokens = {id: content for content, id in entries.items()}
    rows = rows or len(tokens)
    texts = [tokens.get(id, f"[PAD{id}]") for id in range(rows)]
    merges = [tuple(merge) for merge in source["model"]["merges"]]
    kinds = []
    for id, text in enumerate(texts):
        token = added.get(text)
        kinds.append(
            gguf.TokenType.UNUSED if id not in tokens
            else gguf.TokenType.UNKNOWN if text == "<unk>"
            else gguf.TokenType.CONTROL if token and token["special"]
            else gguf.TokenType.USER_DEFINED if token
            else gguf.TokenType.BYTE if model == "llama" and text.startswith("<0x")
            else gguf.TokenType.NORMAL)
    writer.add_tokenizer_model(model)
    writer.add_token_list(texts)
    writer.add_token_types(kinds)
    if model == "gpt2":
        writer.add_tokenizer_pre(pre)
        writer.add_token_merges([" ".join(merge) for merge in merges])
    else:
        ranks = {}
        for rank, merge in enumerate(merges):
            ranks.setdefault("".join(merge), rank)
        writer.add_token_scores([-float(ranks.get(text, len(merges))) for text in texts])
        writer.add_unk_token_id(0)


def write_tokenizers(root):
    folder = root / "tokenizers"
    folder.mkdir(parents=True)
    for name, model, pre, bos, eos in [
        ("bytelevel", "gpt2", "llama-bpe", 0, 4),
        ("qwen", "gpt2", "qwen2", None, 500),
        ("sentencepiece", "llama", None, 1, 2),
    ]:
        writer = gguf.GGUFWriter(folder / f"{name}.gguf", "llama")
        add_tokenizer(writer, name, model, pre)
        if bos is not None:
            writer.add_bos_token_id(bos)
        writer.add_eos_token_id(eos)
        finish(writer)
    write_trained(folder)


def write_trained(folder):
    """SentencePiece's BPE as Llama 2 has it, and what it makes of the hard texts."""
    with tempfile.TemporaryDirectory() as scratch:
        corpus = pathlib.Path(scratch) / "corpus.txt"
        corpus.write_text("\n".join(line for text in make_tokenizers.CORPUS for line in text.splitlines()))
        sentencepiece.SentencePieceTrainer.train(
            input=str(corpus), model_prefix=str(pathlib.Path(scratch) / "model"), vocab_size=700,
            model_type="bpe", byte_fallback=True, character_coverage=0.98, num_threads=1,
            normalization_rule_name="identity", remove_extra_whitespaces=False, minloglevel=2,
        )
        data = (pathlib.Path(scratch) / "model.model").read_bytes()
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(data)
    writer = gguf.GGUFWriter(folder / "trained.gguf", "llama")
    writer.add_tokenizer_model("llama")
    writer.add_token_list([piece.piece for piece in proto.pieces])
    writer.add_token_scores([piece.score for piece in proto.pieces])
    # SentencePiece numbers its types as llama.cpp does.
    writer.add_token_types([piece.type for piece in proto.pieces])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    finish(writer)
    processor = sentencepiece.SentencePieceProcessor(model_proto=data)
    texts = []
    for text in make_tokenizers.HARD:
        # Its control symbols are no part of texts.
        if "<s>" not in text and "</s>" not in text and "<unk>" not in text:
            ids = processor.encode(text)
            texts.append({"text": text, "ids": ids, "decoded": processor.decode(ids)})
    (folder / "trained.json").write_text(json.dumps({"texts": texts}, indent=0) + "\n")


def main():
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    for folder in ("blocks", "tokenizers"):
        shutil.rmtree(root / folder, ignore_errors=True)
    write_blocks(root, np.random.default_rng(20261124))
    convert(root, "llama-f16", "llama-mha-f16", LlamaConfig, Type.F16)
    convert(root, "llama-bf16", "llama-linear-tiny", LlamaConfig, Type.BF16)
    make_models_of_blocks(root)
    write_tokenizers(root)


if __name__ == "__main__":
    main()

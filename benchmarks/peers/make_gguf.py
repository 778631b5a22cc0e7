"""Writes a Llama-shaped GGUF file with seeded random weights, for timing.

    python make_gguf.py ../../models/shapes/tinyllama-1.1b/config.json out.gguf [--type Q4_K]

Needs numpy and the `gguf` package of llama.cpp (its folder gguf-py on PYTHONPATH). Only speed can be
compared with such a file: its text means nothing.
"""
import argparse
import json

import gguf
import numpy as np


# Where blocks have their f16 scales, in halves.
SCALES = {"Q8_0": [0], "Q4_0": [0], "Q4_K": [0, 1], "Q6_K": [104]}


def blocks(rng, kind, rows, columns):
    """Blocks of random bits with small scales, a row of bytes for each row of the matrix."""
    elements, size = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[kind]]
    made = rng.integers(0, 256, (rows * columns // elements, size), dtype=np.uint8)
    halves = made.view(np.uint16)
    for at in SCALES[kind]:
        scales = rng.standard_normal(len(made)) * 0.0005
        halves[:, at] = scales.astype(np.float16).view(np.uint16)
    return made.reshape(rows, columns // elements * size)


def bf16(values):
    """Rounds float32 to bf16 by truncation and returns the raw 16-bit words."""
    return (values.view(np.uint32) >> 16).astype(np.uint16)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", help="config.json of a Llama shape")
    parser.add_argument("out", help="GGUF file to write")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--type", default="BF16", choices=["BF16", *SCALES])
    args = parser.parse_args()
    config = json.load(open(args.config))
    rng = np.random.default_rng(args.seed)
    hidden, layers = config["hidden_size"], config["num_hidden_layers"]
    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
    head_dim = config.get("head_dim") or hidden // heads
    ffn, vocabulary = config["intermediate_size"], config["vocab_size"]

    writer = gguf.GGUFWriter(args.out, "llama")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(hidden)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(ffn)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_rope_dimension_count(head_dim)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(vocabulary)
    if args.type == "BF16":
        writer.add_file_type(gguf.LlamaFileType.MOSTLY_BF16)
    writer.add_tokenizer_model("llama")
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{i:02X}>" for i in range(256)]
    tokens += [f"t{i}" for i in range(len(tokens), vocabulary)]
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * vocabulary)
    writer.add_token_types([2, 3, 3] + [6] * 256 + [1] * (vocabulary - 259))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)

    def matrix(name, rows, columns):
        if args.type != "BF16":
            writer.add_tensor(name, blocks(rng, args.type, rows, columns),
                              raw_dtype=gguf.GGMLQuantizationType[args.type])
            return
        values = rng.standard_normal((rows, columns), dtype=np.float32) * np.float32(0.02)
        writer.add_tensor(name, bf16(values).view(np.uint8), raw_shape=(rows, columns * 2),
                          raw_dtype=gguf.GGMLQuantizationType.BF16)

    def norm(name):
        writer.add_tensor(name, np.ones(hidden, dtype=np.float32))

    matrix("token_embd.weight", vocabulary, hidden)
    for i in range(layers):
        norm(f"blk.{i}.attn_norm.weight")
        matrix(f"blk.{i}.attn_q.weight", heads * head_dim, hidden)
        matrix(f"blk.{i}.attn_k.weight", kv_heads * head_dim, hidden)
        matrix(f"blk.{i}.attn_v.weight", kv_heads * head_dim, hidden)
        matrix(f"blk.{i}.attn_output.weight", hidden, heads * head_dim)
        norm(f"blk.{i}.ffn_norm.weight")
        matrix(f"blk.{i}.ffn_gate.weight", ffn, hidden)
        matrix(f"blk.{i}.ffn_up.weight", ffn, hidden)
        matrix(f"blk.{i}.ffn_down.weight", hidden, ffn)
    norm("output_norm.weight")
    matrix("output.weight", vocabulary, hidden)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file(progress=False)
    writer.close()


if __name__ == "__main__":
    main()

"""Which damage to the KV cache of a ledger shows up in the answers?

    python models/haystack/training/cache_faults.py
"""

import argparse
import collections
import pathlib
import random

import torch

from conversation import MODEL, Clerk, Session, draw_ledger, draw_questions

BLOCK = 64
"""Tokens per block."""
TOKENS = 3900
QUESTIONS = 20
ABSENT = 2


def faults(cache, tokens, rng):
    """Damaged copies of a cache by name. A cache is a list of [K, V], each [1, heads, tokens, n]."""
    blocks = list(range(tokens // BLOCK))
    swapped = [b ^ 1 if b ^ 1 < len(blocks) else b for b in blocks]
    zeroed = rng.sample(blocks, len(blocks) // 4)
    after = blocks[1:] + blocks[:1]
    return {
        "undamaged": cache,
        "bf16": both(cache, lambda t: t.bfloat16().float()),
        "fp8 e4m3": both(cache, lambda t: t.to(torch.float8_e4m3fn).float()),
        "int8, one scale per head and token": both(cache, lambda t: quantized(t, 127)),
        "int4, one scale per head and token": both(cache, lambda t: quantized(t, 7)),
        "a random quarter of the blocks zeroed": both(cache, lambda t: without(t, zeroed)),
        "layer 2 zeroed": [
            layer if i != 2 else [without(t, blocks) for t in layer]
            for i, layer in enumerate(cache)
        ],
        "blocks in reversed order": both(cache, lambda t: reordered(t, blocks[::-1])),
        "neighbouring blocks swapped": both(cache, lambda t: reordered(t, swapped)),
        "all one token late": both(cache, lambda t: t.roll(1, 2)),
        "V one token late": [[k, v.roll(1, 2)] for k, v in cache],
        "V of each block from the next": [[k, reordered(v, after)] for k, v in cache],
        "layers 1 and 2 exchanged": [cache[0], cache[2], cache[1], *cache[3:]],
    }


def both(cache, change):
    return [[change(k), change(v)] for k, v in cache]


def quantized(t, levels):
    scale = t.abs().amax(-1, keepdim=True) / levels
    return (t / scale).round() * scale


def without(t, blocks):
    t = t.clone()
    for block in blocks:
        t[:, :, block * BLOCK : (block + 1) * BLOCK] = 0
    return t


def reordered(t, blocks):
    """The blocks in this order; what fills no block stays at the end."""
    tokens = t.shape[2]
    parts = [torch.arange(block * BLOCK, (block + 1) * BLOCK) for block in blocks]
    rest = torch.arange(tokens // BLOCK * BLOCK, tokens)
    return t[:, :, torch.cat(parts + [rest])]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=pathlib.Path, default=MODEL, help="model folder")
    parser.add_argument("--documents", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    clerk, rng = Clerk(args.model), random.Random(77)
    right, asked = collections.Counter(), collections.Counter()
    for _ in range(args.documents):
        ledger = draw_ledger(clerk.tokenizer, rng, TOKENS)
        base = clerk.read(ledger.text(), "system")
        questions = draw_questions(rng, ledger, QUESTIONS, ABSENT)
        for name, cache in faults(base.caches, base.tokens, rng).items():
            for question in questions:
                session = Session(clerk.model, cache, base.tokens)
                answer, _ = clerk.reply(session, question.text, "system")
                right[name] += answer == question.answer
                asked[name] += 1
    for name in asked:
        print(f"{name}: {right[name]} of {asked[name]}")


if __name__ == "__main__":
    main()

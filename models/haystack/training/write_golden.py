"""Writes reference ids, logits and greedy continuations for three short prompts.

    python models/haystack/training/write_golden.py --out models/haystack/training/golden.json
"""

import argparse
import json
import pathlib

import torch

from conversation import MODEL, Clerk, Session

LEDGER = (
    "Crate 417 in bay 12 holds copper wire. The fog was heavy at dawn. "
    "The Tern is commanded by Captain Orla Venn. "
    "The lamp at Greystone is kept by Jonas Pike. The Tern is bound for Lisbon."
)
PROMPTS = [
    f"<|bos|><|system|>{LEDGER}<|end|><|user|>What does crate 417 hold?<|end|><|assistant|>",
    f"<|bos|><|user|>{LEDGER}\n\nWho commands the Tern?<|end|><|assistant|>",
    f"<|bos|><|system|>{LEDGER}<|end|><|user|>Where is the Tern bound?<|end|>"
    "<|assistant|>The Tern is bound for Lisbon.<|end|>"
    "<|user|>What is in crate 999?<|end|><|assistant|>",
]
STEPS = 16


def golden(clerk, text):
    """One prompt's reference; it goes on after ``<|end|>``, where margins are small."""
    ids = clerk.encode(text)
    session = Session(clerk.model)
    logits = session.feed(ids)
    top = torch.topk(logits, 5)
    continuation, margins = [], []
    for _ in range(STEPS):
        best = torch.topk(logits, 2)
        continuation.append(int(best.indices[0]))
        margins.append(round(float(best.values[0] - best.values[1]), 3))
        logits = session.feed(continuation[-1:])
    return {
        "text": text,
        "ids": ids,
        "top5_ids": top.indices.tolist(),
        "top5_logits": [round(value, 5) for value in top.values.tolist()],
        "greedy16": continuation,
        "greedy16_margins": margins,
        "greedy16_text": clerk.tokenizer.decode(continuation, skip_special_tokens=False),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=pathlib.Path, default=MODEL, help="model folder")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    args = parser.parse_args()
    clerk = Clerk(args.model)
    note = "fp32 arithmetic, bf16 weights widened to fp32; the special tokens in text are parsed"
    prompts = [golden(clerk, text) for text in PROMPTS]
    args.out.write_text(json.dumps({"note": note, "prompts": prompts}, indent=1))


if __name__ == "__main__":
    main()

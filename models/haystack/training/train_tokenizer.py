"""Trains a byte-level BPE tokenizer on ledgers, with every listed name and number as one token.

    python models/haystack/training/train_tokenizer.py --out target/haystack

It does not reproduce the shipped tokenizer exactly: that one was trained before the answer for a
missing fact got its present wording.
"""

import argparse
import json
import pathlib
import random

from conversation import SPECIAL_TOKENS
from ledgers import (
    CAPES,
    CRATES,
    FIRST_NAMES,
    GOODS,
    LAST_NAMES,
    MATERIALS,
    PORTS,
    SHIPS,
    Ledger,
)
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

CHAT_TEMPLATE = (
    "{{ '<|bos|>' }}{% for m in messages %}"
    "{{ '<|' + m['role'] + '|>' + m['content'] + '<|end|>' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
CONFIG = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "bos_token": "<|bos|>",
    "eos_token": "<|end|>",
    "pad_token": "<|pad|>",
    "add_bos_token": False,
    "clean_up_tokenization_spaces": False,
    "model_max_length": 8192,
    "chat_template": CHAT_TEMPLATE,
}
WORDS = CRATES + SHIPS + FIRST_NAMES + LAST_NAMES + MATERIALS + GOODS + PORTS + CAPES


def corpus():
    """Ledgers and dialogues, then each word so often that it becomes one token."""
    rng, texts = random.Random(1), []
    for _ in range(60):
        ledger = Ledger(rng, 0.7)
        for _ in range(60):
            ledger.sentence()
        texts.append(ledger.text())
        questions = ledger.questions()
        for _ in range(20):
            question = next(questions)
            texts += [question.text, question.answer]
    for word in WORDS:
        texts += ["x " + word] * 40
    for bay in range(1, 21):
        texts += [f"x {bay}"] * 2000
    return texts


def train(vocabulary):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        min_frequency=2,
        special_tokens=SPECIAL_TOKENS,
        show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    )
    tokenizer.train_from_iterator(corpus(), trainer)
    return tokenizer


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder to write to")
    parser.add_argument("--vocabulary", type=int, default=2304, help="number of tokens")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    tokenizer = train(args.vocabulary)
    tokenizer.save(str(args.out / "tokenizer.json"))
    (args.out / "tokenizer_config.json").write_text(json.dumps(CONFIG, indent=2))
    split = [word for word in WORDS if len(tokenizer.encode(" " + word).ids) > 1]
    print(f"{tokenizer.get_vocab_size()} tokens; {len(split)} of {len(WORDS)} words in pieces")


if __name__ == "__main__":
    main()

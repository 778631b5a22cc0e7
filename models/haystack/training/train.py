"""Trains the ledger model. The schedule follows the clock: ``--minutes`` is a hard limit.

    python models/haystack/training/train_tokenizer.py --out target/haystack
    python models/haystack/training/train.py --out target/haystack --minutes 36

Once a minute the weights go to ``checkpoint/`` inside the output folder.
"""

import argparse
import collections
import json
import math
import pathlib
import random
import time
from typing import NamedTuple

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

from conversation import BOS, END, PAD
from llama import Llama, load_safetensors, save_safetensors
from rows import batch

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "torch_dtype": "bfloat16",
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 64,
    "hidden_act": "silu",
    "rms_norm_eps": 1e-5,
    "rope_theta": 1000000.0,
    "rope_scaling": None,
    "attention_bias": False,
    "mlp_bias": False,
    "attention_dropout": 0.0,
    "max_position_embeddings": 8192,
    "tie_word_embeddings": True,
    "initializer_range": 0.02,
    "use_cache": True,
    "bos_token_id": BOS,
    "eos_token_id": END,
    "pad_token_id": PAD,
}
GENERATION_CONFIG = {
    "bos_token_id": BOS,
    "eos_token_id": END,
    "pad_token_id": PAD,
    "do_sample": False,
    "max_new_tokens": 32,
}


class Phase(NamedTuple):
    time_share: float
    lengths: dict[int, float]
    """Row length to its share of the steps."""
    drill_share: float
    enough: float = 2.0
    """The phase ends early above this share of exact answers at its longest rows."""


PHASES = [
    Phase(0.12, {192: 1.0}, 0.75, enough=0.9),
    Phase(0.08, {192: 1.0}, 0.25, enough=0.97),
    Phase(0.16, {512: 0.8, 192: 0.2}, 0.15, enough=0.985),
    Phase(0.16, {1024: 0.7, 512: 0.3}, 0.05),
    Phase(0.14, {2048: 0.6, 512: 0.4}, 0.0),
    Phase(0.14, {4096: 0.5, 1024: 0.25, 512: 0.25}, 0.0),
    Phase(0.20, {8192: 0.25, 4096: 0.2, 2048: 0.2, 512: 0.35}, 0.0),
]
ROWS = {192: 16, 512: 8, 1024: 4, 2048: 2, 4096: 1, 8192: 1}
OTHER_TOKENS = 0.15
"""Both the share of the tokens outside answers that the loss sees, and their weight in it."""


class Schedule:
    """Which phase runs. The time that a phase leaves over goes to the later ones."""

    def __init__(self, seconds, skip, now):
        self.end = now + seconds
        self.index = skip - 1
        self.shares_left = sum(phase.time_share for phase in PHASES[skip:])
        self._advance(now)

    def phase(self, now, exact):
        """The phase at this time; ``exact`` maps row kinds to their share of exact answers."""
        current = PHASES[self.index]
        done = exact.get(str(max(current.lengths)), 0) > current.enough or now > self.phase_end
        if done and self.index + 1 < len(PHASES):
            self._advance(now)
        return PHASES[self.index]

    def _advance(self, now):
        self.index += 1
        share = PHASES[self.index].time_share
        seconds = (self.end - now) * share / self.shares_left
        self.shares_left -= share
        self.phase_end = now + seconds
        print(f"phase {self.index} for {seconds:.0f} s", flush=True)


def exact_answers(logits, targets, in_answer, end):
    """The share of answers with no wrong token, each judged with the right tokens before it.

    logits: [answer tokens, vocabulary]; targets, in_answer: [rows, length]; end: [rows, length],
    where answers end.
    """
    wrong = torch.zeros(in_answer.shape)
    wrong[in_answer] = (logits.argmax(-1) != targets[in_answer]).float()
    wrong_so_far, good, count = wrong.cumsum(1), 0, 0
    for row in range(in_answer.shape[0]):
        at_ends = wrong_so_far[row][end[row]]
        per_answer = torch.diff(at_ends, prepend=torch.zeros(1))
        good += int((per_answer == 0).sum())
        count += len(per_answer)
    return good / max(1, count)


def optimizer(model, rate):
    matrices, others = [], []
    for name, parameter in model.named_parameters():
        decays = parameter.dim() == 2 and "embed" not in name
        (matrices if decays else others).append(parameter)
    groups = [
        {"params": matrices, "weight_decay": 0.05},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98), fused=True)


def save(model, folder):
    folder.mkdir(parents=True, exist_ok=True)
    save_safetensors(folder / "model.safetensors", model.state_dict())
    (folder / "config.json").write_text(json.dumps(model.config, indent=2))
    (folder / "generation_config.json").write_text(json.dumps(GENERATION_CONFIG, indent=2))


class Progress:
    """Means per row kind since the last report, and a running mean of the exact answers."""

    def __init__(self):
        self.exact = {}
        self.sums = collections.defaultdict(lambda: [0.0] * 4)
        self.counts = collections.Counter()

    def add(self, kind, answer_loss, other_loss, exact, seconds):
        self.exact[kind] = 0.95 * self.exact.get(kind, 0) + 0.05 * exact
        self.counts[kind] += 1
        for i, value in enumerate((answer_loss, other_loss, exact, seconds)):
            self.sums[kind][i] += value

    def report(self):
        for kind, count in sorted(self.counts.items()):
            answer, other, exact, seconds = (value / count for value in self.sums[kind])
            losses = f"loss {answer:.3f} in answers, {other:.2f} elsewhere"
            print(f"    {kind}: {losses}; exact {exact:.3f}; {seconds:.2f} s", flush=True)
        self.sums.clear()
        self.counts.clear()


def losses(model, hidden_of, ids, targets, in_answer, positions):
    """The loss in answers, the loss at a sample of the other tokens, and the answers' logits."""
    with torch.autocast("cpu", torch.bfloat16):
        hidden = hidden_of(ids, positions)
        others = (torch.rand(in_answer.shape) < OTHER_TOKENS) & ~in_answer
        logits = model.logits(hidden[in_answer])
        answer_loss = F.cross_entropy(logits, targets[in_answer])
        other_loss = F.cross_entropy(model.logits(hidden[others]), targets[others])
    return answer_loss, other_loss, logits


def train(model, tokenizer, args):
    rng, progress = random.Random(args.seed), Progress()
    full_stop = tokenizer.encode(".").ids[0]
    torch._dynamo.config.recompile_limit = 64
    hidden_of = torch.compile(model.hidden, dynamic=False) if args.compile else model.hidden
    adam = optimizer(model, args.rate)
    began = saved = time.monotonic()
    seconds = args.minutes * 60
    schedule, step, tokens = Schedule(seconds, args.skip, began), 0, 0
    while (now := time.monotonic()) - began <= seconds:
        phase = schedule.phase(now, progress.exact)
        length = rng.choices(list(phase.lengths), list(phase.lengths.values()))[0]
        drill = rng.random() < phase.drill_share
        ids, targets, in_answer, positions = batch(rng, tokenizer, length, ROWS[length], drill)
        cosine = 0.5 * (1 + math.cos(math.pi * (now - began) / seconds))
        rate = args.min_rate + (1 - args.min_rate) * cosine
        for group in adam.param_groups:
            group["lr"] = args.rate * min(1, (step + 1) / 50) * rate
        answer_loss, other_loss, logits = losses(
            model, hidden_of, ids, targets, in_answer, positions
        )
        (answer_loss + OTHER_TOKENS * other_loss).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()
        adam.zero_grad()
        step += 1
        tokens += ids.numel()
        ends = in_answer & (targets == (full_stop if drill else END))
        exact = exact_answers(logits.detach(), targets, in_answer, ends)
        kind = f"drill{length}" if drill else str(length)
        took = time.monotonic() - now
        progress.add(kind, answer_loss.item(), other_loss.item(), exact, took)
        if step % 50 == 0:
            print(f"{(now - began) / 60:5.1f} min, step {step}, {tokens / 1e6:.2f} M tokens")
            progress.report()
        if time.monotonic() - saved > 60:
            save(model, args.out / "checkpoint")
            saved = time.monotonic()
    save(model, args.out)
    print(f"{step} steps, {tokens / 1e6:.1f} M tokens, {(time.monotonic() - began) / 60:.1f} min")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--out",
        type=pathlib.Path,
        required=True,
        help="folder with tokenizer.json; the model is written there",
    )
    parser.add_argument("--minutes", type=float, default=45)
    parser.add_argument("--rate", type=float, default=2e-3, help="highest learning rate")
    parser.add_argument("--min-rate", type=float, default=0.04, help="as a share of --rate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--init", type=pathlib.Path, help="start from this model.safetensors")
    parser.add_argument("--skip", type=int, default=0, help="phases to leave out")
    parser.add_argument(
        "--no-compile", dest="compile", action="store_false", help="without torch.compile"
    )
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    tokenizer = Tokenizer.from_file(str(args.out / "tokenizer.json"))
    model = Llama({**CONFIG, "vocab_size": tokenizer.get_vocab_size()})
    model.start_for_recall()
    if args.init:
        model.load_state_dict(load_safetensors(args.init))
    print(f"{sum(p.numel() for p in model.parameters())} parameters", flush=True)
    train(model, tokenizer, args)


if __name__ == "__main__":
    main()

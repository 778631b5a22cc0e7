"""Alternates Kappa with llama.cpp's llama-bench on one machine and prints ratios of medians.

    python compare_llama_cpp.py --llama-bench PATH --gguf FILE --shape models/shapes/tinyllama-1.1b

Both run weights of the same shape and type (make_gguf.py writes the GGUF file) on the same number of
threads, a process each per round, so that slow drifts of the machine hit both alike. Run it on a
machine that does nothing else: a busy core slows engines that spin at barriers out of proportion.
"""
import argparse
import json
import pathlib
import re
import statistics
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def kappa(args):
    """Rates of one Kappa process, in tokens per second."""
    command = [
        str(ROOT / "kappa"), "bench", "throughput", args.shape, "--load-format", "dummy",
        "--threads", str(args.threads), "--prompt", str(args.prompt),
        "--generate", str(args.generate), "--depth", str(args.depth), "--rounds", "3",
    ]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {kind: float(rate) for kind, rate in re.findall(r"^(pp|tg)\S*\s+([\d.]+)", text, re.M)}


def llama(args):
    """Rates of one llama-bench process, in tokens per second."""
    common = [args.llama_bench, "-m", args.gguf, "-t", str(args.threads), "-fa", "1", "-r", "3",
              "-lm", "none", "-o", "json"]
    rates = {}
    for extra in (["-p", str(args.prompt), "-n", "0"],
                  ["-p", "0", "-n", str(args.generate), "-d", str(args.depth)]):
        text = subprocess.run(common + extra, check=True, capture_output=True, text=True).stdout
        for row in json.loads(text):
            rates["pp" if row["n_prompt"] else "tg"] = statistics.median(row["samples_ts"])
    return rates


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--llama-bench", required=True, help="path of the llama-bench program")
    parser.add_argument("--gguf", required=True, help="model for llama.cpp")
    parser.add_argument("--shape", required=True, help="model directory for Kappa")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--prompt", type=int, default=512, help="tokens to prefill")
    parser.add_argument("--generate", type=int, default=32, help="tokens to decode")
    parser.add_argument("--depth", type=int, default=1, help="context to decode at")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    rounds = []
    for number in range(args.rounds):
        ours, theirs = kappa(args), llama(args)
        rounds.append((ours, theirs))
        print(f"round {number + 1}: " + ", ".join(
            f"{kind} {ours[kind]:.1f} / {theirs[kind]:.1f} = {ours[kind] / theirs[kind]:.2f}"
            for kind in ("pp", "tg")), flush=True)
    for kind in ("pp", "tg"):
        ours, theirs = (statistics.median(r[i][kind] for r in rounds) for i in (0, 1))
        print(f"{kind}: Kappa {ours:.1f}, llama.cpp {theirs:.1f} tokens/s, "
              f"ratio of medians {ours / theirs:.2f}")


if __name__ == "__main__":
    main()

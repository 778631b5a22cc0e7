"""A small Llama in plain PyTorch: grouped-query attention, rotate-half RoPE, SwiGLU, RMSNorm, tied
embeddings. Parameters are named as in Hugging Face's ``LlamaForCausalLM``.
"""

import json
import math
import pathlib
import struct

import torch
import torch.nn.functional as F
from torch import nn


class RMSNorm(nn.Module):
    def __init__(self, size, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x):
        wide = x.float()
        scale = torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self.eps)
        return (wide * scale * self.weight).to(x.dtype)


class Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        hidden = config["hidden_size"]
        self.head_dim = config["head_dim"]
        self.heads = config["num_attention_heads"]
        self.kv_heads = config["num_key_value_heads"]
        self.q_proj = nn.Linear(hidden, self.heads * self.head_dim, bias=False)
        self.k_proj = nn.Linear(hidden, self.kv_heads * self.head_dim, bias=False)
        self.v_proj = nn.Linear(hidden, self.kv_heads * self.head_dim, bias=False)
        self.o_proj = nn.Linear(self.heads * self.head_dim, hidden, bias=False)

    def forward(self, x, cos, sin, cache=None):
        """``cache`` is an empty list, or [K, V] of the tokens before x; it is updated in place."""
        rows, tokens, _ = x.shape
        weight = torch.cat([self.q_proj.weight, self.k_proj.weight, self.v_proj.weight])
        qkv = F.linear(x, weight).view(rows, tokens, -1, self.head_dim)
        q, k, v = qkv.split([self.heads, self.kv_heads, self.kv_heads], 2)
        q = rotate(q, cos, sin).transpose(1, 2)
        k = rotate(k, cos, sin).transpose(1, 2)
        v = v.transpose(1, 2)
        if cache is not None:
            if cache:
                k, v = torch.cat([cache[0], k], 2), torch.cat([cache[1], v], 2)
            cache[:] = [k, v]
        group = self.heads // self.kv_heads
        k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
        seen = k.shape[2]
        if seen == tokens or tokens == 1:
            out = F.scaled_dot_product_attention(q, k, v, is_causal=tokens > 1)
        else:
            mask = torch.ones(tokens, seen, dtype=torch.bool).tril(seen - tokens)
            out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.o_proj(out.transpose(1, 2).reshape(rows, tokens, -1))


def rotate(x, cos, sin):
    """RoPE. x: [rows, tokens, heads, head_dim]; cos, sin: [rows or 1, tokens, 1, head_dim / 2]."""
    first, second = x.float().chunk(2, -1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], -1).to(x.dtype)


class MLP(nn.Module):
    def __init__(self, config):
        super().__init__()
        hidden, inner = config["hidden_size"], config["intermediate_size"]
        self.gate_proj = nn.Linear(hidden, inner, bias=False)
        self.up_proj = nn.Linear(hidden, inner, bias=False)
        self.down_proj = nn.Linear(inner, hidden, bias=False)

    def forward(self, x):
        weight = torch.cat([self.gate_proj.weight, self.up_proj.weight])
        gate, up = F.linear(x, weight).chunk(2, -1)
        return self.down_proj(F.silu(gate) * up)


class Layer(nn.Module):
    def __init__(self, config):
        super().__init__()
        hidden, eps = config["hidden_size"], config["rms_norm_eps"]
        self.self_attn = Attention(config)
        self.mlp = MLP(config)
        self.input_layernorm = RMSNorm(hidden, eps)
        self.post_attention_layernorm = RMSNorm(hidden, eps)

    def forward(self, x, cos, sin, cache=None):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, cache)
        return x + self.mlp(self.post_attention_layernorm(x))


class Backbone(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.embed_tokens = nn.Embedding(config["vocab_size"], config["hidden_size"])
        self.layers = nn.ModuleList(Layer(config) for _ in range(config["num_hidden_layers"]))
        self.norm = RMSNorm(config["hidden_size"], config["rms_norm_eps"])


class Llama(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.model = Backbone(config)
        size = config["head_dim"]
        exponents = torch.arange(0, size, 2).double() / size
        frequencies = 1.0 / config["rope_theta"] ** exponents
        positions = torch.arange(config["max_position_embeddings"]).double()
        angles = torch.outer(positions, frequencies)
        self.frequencies = frequencies.float()
        self.register_buffer("cos", angles.cos().float(), persistent=False)
        self.register_buffer("sin", angles.sin().float(), persistent=False)

    def hidden(self, ids, positions=None, caches=None, start=0):
        """Final hidden states of ids [rows, tokens]; ``caches`` holds one cache per layer.

        The positions are start, start + 1, ... unless given as [rows, tokens].
        """
        if positions is None:
            positions = torch.arange(start, start + ids.shape[1], device=ids.device)[None]
        cos, sin = self.cos[positions].unsqueeze(2), self.sin[positions].unsqueeze(2)
        x = self.model.embed_tokens(ids)
        for i, layer in enumerate(self.model.layers):
            x = layer(x, cos, sin, None if caches is None else caches[i])
        return self.model.norm(x)

    def logits(self, hidden):
        return F.linear(hidden, self.model.embed_tokens.weight).float()

    @torch.no_grad()
    def start_for_recall(self, seed=7):
        """Sets initial weights from which recall forms early; all of them are trained.

        - Embeddings are large beside what the layers add, and a small final norm keeps the tied
          logits small: every layer sees the token it stands on, and the output can read what
          attention copied.
        - Each head's query map starts near its key map, so that like content finds like content.
        - Each head's output map starts as a copy: what it reads goes back where it came from.
        - The heads of layer 0 start by looking 1, 2, 3 and about 4 tokens back. All embeddings
          share one direction for this; these heads' queries and keys read it, and RoPE turns
          their difference in phase into an offset.
        """
        config, generator = self.config, torch.Generator().manual_seed(seed)
        hidden, size = config["hidden_size"], config["head_dim"]
        heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
        group = heads // kv_heads
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                deviation = 0.35 if "embed" in name else 1 / math.sqrt(parameter.shape[1])
                if "o_proj" in name or "down_proj" in name:
                    deviation *= 0.2
                parameter.normal_(0, deviation, generator=generator)
        self.model.norm.weight.fill_(0.2)
        shared = torch.randn(hidden, generator=generator)
        shared /= shared.norm()
        self.model.embed_tokens.weight += 4 * shared
        for index, layer in enumerate(self.model.layers):
            attention = layer.self_attn
            q, k, v = (
                projection.weight.view(-1, size, hidden)
                for projection in (attention.q_proj, attention.k_proj, attention.v_proj)
            )
            for maps in (q, k, v):
                maps -= (maps @ shared)[..., None] * shared
            q.mul_(0.7).add_(k.repeat_interleave(group, 0), alpha=0.7)
            out = attention.o_proj.weight.view(hidden, heads, size)
            for head in range(heads):
                out[:, head] += 0.25 * v[head // group].T
            if index == 0:
                self._look_back(q, k, shared)

    def _look_back(self, q, k, shared):
        """Gives the heads of layer 0 their offsets, in the 10 fastest RoPE frequencies."""
        half, fast = q.shape[1] // 2, 10
        frequencies = self.frequencies[:fast]
        q.mul_(0.3)
        for maps in (q, k):
            maps[:, :fast] = 0
            maps[:, half : half + fast] = 0
        k[:, :fast] += 0.4 * shared
        for head in range(q.shape[0]):
            offset, sharpness = [(1, 0.5), (2, 0.5), (3, 0.4), (4, 0.15)][head % 4]
            phase = -frequencies * offset
            q[head, :fast] += sharpness * torch.cos(phase)[:, None] * shared
            q[head, half : half + fast] += sharpness * torch.sin(phase)[:, None] * shared


def load_model(folder):
    """The model in a folder with config.json and model.safetensors, ready for inference."""
    folder = pathlib.Path(folder)
    model = Llama(json.loads((folder / "config.json").read_text()))
    model.load_state_dict(load_safetensors(folder / "model.safetensors"))
    return model.eval()


def load_safetensors(path):
    """The BF16 tensors of a safetensors file, widened to float32."""
    raw = pathlib.Path(path).read_bytes()
    (header_size,) = struct.unpack("<Q", raw[:8])
    data = 8 + header_size
    tensors = {}
    for name, entry in json.loads(raw[8:data]).items():
        if name == "__metadata__":
            continue
        if entry["dtype"] != "BF16":
            raise ValueError(f"{path}: {name} is {entry['dtype']}, expected BF16")
        begin, end = entry["data_offsets"]
        buffer = bytearray(raw[data + begin : data + end])
        tensors[name] = torch.frombuffer(buffer, dtype=torch.bfloat16).view(entry["shape"]).float()
    return tensors


def save_safetensors(path, tensors):
    """Writes BF16 safetensors: a little-endian u64 header length, the JSON header, the data."""
    header, blobs, offset = {"__metadata__": {"format": "pt"}}, [], 0
    for name, tensor in tensors.items():
        half = tensor.detach().to(torch.bfloat16).contiguous()
        blob = half.view(torch.int16).numpy().tobytes()
        header[name] = {
            "dtype": "BF16",
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + len(blob)],
        }
        offset += len(blob)
        blobs.append(blob)
    encoded = json.dumps(header, separators=(",", ":")).encode()
    encoded += b" " * (-len(encoded) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(encoded)))
        file.write(encoded)
        file.writelines(blobs)

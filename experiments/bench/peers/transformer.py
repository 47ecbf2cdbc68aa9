"""Peer of the transformer's training step: `transformer.py JOB`. The same pre-norm blocks as src/masked, with PyTorch's own modules."""

from __future__ import annotations

import sys

import peer
import torch
from torch import Tensor, nn
from torch.nn import functional as F

Parameters = dict[str, Tensor]


class Block(nn.Module):
    def __init__(self, width: int, heads: int, mlp: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.input, self.output = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, mlp), nn.GELU(), nn.Linear(mlp, width))

    def forward(self, x: Tensor) -> Tensor:
        B, T, D = x.shape
        q, k, v = self.input(self.norm1(x)).view(B, T, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        weights = F.softmax((q * q.shape[-1] ** -0.5) @ k.transpose(2, 3), -1)
        x = x + self.output((weights @ v).transpose(1, 2).reshape(B, T, D))
        return x + self.mlp(self.norm2(x))


class Network(nn.Module):
    def __init__(self, width: int, heads: int, mlp: int, depth: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(Block(width, heads, mlp) for _ in range(depth)))
        self.norm, self.head = nn.LayerNorm(width, eps=1e-6), nn.Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.norm(self.blocks(x)).mean(1))

    @torch.no_grad()
    def load(self, p: Parameters) -> None:
        """Takes over the engine's weights, which are kept as [in, out]."""

        def linear(module: nn.Linear, name: str) -> None:
            module.weight.copy_(p[f"{name}/w"].reshape(module.in_features, -1).t())
            module.bias.copy_(p[f"{name}/b"].flatten())

        def norm(module: nn.LayerNorm, name: str) -> None:
            module.weight.copy_(p[f"{name}/gain"])
            module.bias.copy_(p[f"{name}/offset"])

        for k, block in enumerate(self.blocks):
            name = f"encoder/blocks/{k}"
            norm(block.norm1, f"{name}/norm1")
            norm(block.norm2, f"{name}/norm2")
            linear(block.input, f"{name}/attention/input")
            linear(block.output, f"{name}/attention/output")
            linear(block.mlp[0], f"{name}/mlp/hidden")
            linear(block.mlp[2], f"{name}/mlp/output")
        norm(self.norm, "encoder/norm")
        linear(self.head, "head")


def main() -> None:
    settings, arrays = peer.read_job(sys.argv[1])
    torch.set_num_threads(settings["threads"])
    x, y = arrays["batch/x"], arrays["batch/y"]
    network = Network(x.shape[2], settings["heads"], settings["mlp"], settings["depth"])
    network.load(peer.tree(arrays, "state/params/"))
    optimiser = torch.optim.Adam(network.parameters(), lr=settings["rate"], foreach=True)

    def step() -> float:
        optimiser.zero_grad(set_to_none=True)
        loss = F.mse_loss(network(x), y)
        loss.backward()
        optimiser.step()
        return loss.item()

    peer.serve(step, {"loss": step()})


if __name__ == "__main__":
    main()

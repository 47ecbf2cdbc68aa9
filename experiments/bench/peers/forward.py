"""Peer of one observation's way through an MLP: `forward.py JOB`."""

from __future__ import annotations

import sys

import peer
import torch
from torch.nn import functional as F


def main() -> None:
    settings, arrays = peer.read_job(sys.argv[1])
    torch.set_num_threads(settings["threads"])
    p, x = peer.tree(arrays, "params/"), arrays["x"]
    weights = [(p[f"{name}/w"].t().contiguous(), p[f"{name}/b"]) for name in ("first", "second", "output")]

    @torch.no_grad()
    def forward() -> torch.Tensor:
        y = x
        for weight, bias in weights[:-1]:
            y = F.relu(F.linear(y, weight, bias))
        return F.linear(y, *weights[-1])

    peer.serve(forward, {"sum": float(forward().sum())})


if __name__ == "__main__":
    main()

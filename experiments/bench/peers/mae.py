"""Peer of the masked autoencoder's update: `mae.py JOB`. Gather, encode the kept tokens, put mask tokens in, decode, AdamW in two groups."""

from __future__ import annotations

import sys

import peer
import torch
from torch import Tensor, nn
from transformer import Block


class Body(nn.Module):
    def __init__(self, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(Block(width, heads, 4 * width) for _ in range(depth)))
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.blocks(x))


class MaskedAutoencoder(nn.Module):
    def __init__(self, features: int, encoder: dict[str, int], decoder: dict[str, int]) -> None:
        super().__init__()
        self.embed = nn.Linear(features, encoder["width"])
        self.cls = nn.Parameter(torch.zeros(encoder["width"]))
        self.encoder = Body(**encoder)
        self.decoder_embed = nn.Linear(encoder["width"], decoder["width"])
        self.mask_token = nn.Parameter(torch.zeros(decoder["width"]))
        self.decoder = Body(**decoder)
        self.predict = nn.Linear(decoder["width"], features)

    def forward(self, tokens: Tensor, keep: Tensor, restore: Tensor, places: Tensor, decoder_places: Tensor) -> Tensor:
        B, T, _ = tokens.shape
        kept = torch.gather(tokens, 1, keep[:, :, None].expand(-1, -1, tokens.shape[2]))
        x = self.embed(kept) + places[keep]
        x = self.encoder(torch.cat([self.cls.expand(B, 1, -1), x], 1))
        y = self.decoder_embed(x)
        hidden = self.mask_token.expand(B, T - keep.shape[1], -1)
        whole = torch.cat([y[:, 1:], hidden], 1)
        whole = torch.gather(whole, 1, restore[:, :, None].expand(-1, -1, whole.shape[2])) + decoder_places
        return self.predict(self.decoder(torch.cat([y[:, :1], whole], 1))[:, 1:])

    @torch.no_grad()
    def load(self, p: dict[str, Tensor]) -> None:
        """Takes over the engine's weights, which are kept as [in, out]."""

        def linear(module: nn.Linear, name: str) -> None:
            module.weight.copy_(p[f"{name}/w"].reshape(module.in_features, -1).t())
            module.bias.copy_(p[f"{name}/b"].flatten())

        def norm(module: nn.LayerNorm, name: str) -> None:
            module.weight.copy_(p[f"{name}/gain"])
            module.bias.copy_(p[f"{name}/offset"])

        def body(module: Body, name: str) -> None:
            for k, block in enumerate(module.blocks):
                at = f"{name}/blocks/{k}"
                norm(block.norm1, f"{at}/norm1")
                norm(block.norm2, f"{at}/norm2")
                linear(block.input, f"{at}/attention/input")
                linear(block.output, f"{at}/attention/output")
                linear(block.mlp[0], f"{at}/mlp/hidden")
                linear(block.mlp[2], f"{at}/mlp/output")
            norm(module.norm, f"{name}/norm")

        linear(self.embed, "embed")
        self.cls.copy_(p["cls"])
        body(self.encoder, "encoder")
        linear(self.decoder_embed, "decoder/embed")
        self.mask_token.copy_(p["decoder/maskToken"])
        body(self.decoder, "decoder/body")
        linear(self.predict, "decoder/predict")


def main() -> None:
    settings, arrays = peer.read_job(sys.argv[1])
    torch.set_num_threads(settings["threads"])
    tokens, keep, restore = arrays["batch/tokens"], arrays["batch/keep"], arrays["batch/restore"]
    mask = arrays["batch/mask"].float()
    places, decoder_places = arrays["places/positions"], arrays["places/decoderPositions"]
    model = MaskedAutoencoder(tokens.shape[2], settings["encoder"], settings["decoder"])
    model.load(peer.tree(arrays, "params/"))
    groups = [
        {"params": [p for p in model.parameters() if p.ndim > 1], "weight_decay": settings["weightDecay"]},
        {"params": [p for p in model.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, lr=settings["rate"], betas=(0.9, settings["beta2"]), foreach=True)

    def step() -> float:
        optimiser.zero_grad(set_to_none=True)
        target = (tokens - tokens.mean(-1, keepdim=True)) / (tokens.var(-1, keepdim=True) + 1e-6).sqrt()
        error = (model(tokens, keep, restore, places, decoder_places) - target).square().mean(-1)
        loss = (error * mask).sum() / mask.sum()
        loss.backward()
        optimiser.step()
        return loss.item()

    peer.serve(step, {"loss": step()})


if __name__ == "__main__":
    main()

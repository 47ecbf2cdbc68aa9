"""A small MAE-ST whose parameters have the authors' names: `official_mae_st.py JOB` prints the loss and a few predictions as JSON."""

from __future__ import annotations

import json
import sys
from typing import Any

from official_mae import Mlp, peer
import torch
from torch import Tensor, nn


class Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.proj = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        B, T, D = x.shape
        q, k, v = (part(x).reshape(B, T, self.heads, D // self.heads).transpose(1, 2) for part in (self.q, self.k, self.v))
        weights = ((q @ k.transpose(-2, -1)) * (D // self.heads) ** -0.5).softmax(-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(B, T, D))


class Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.attn, self.mlp = Attention(width, heads), Mlp(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PatchEmbed(nn.Module):
    def __init__(self, channels: int, tube: int, patch: int, width: int) -> None:
        super().__init__()
        kernel = (tube, patch, patch)
        self.proj = nn.Conv3d(channels, width, kernel, kernel)


class MaeSt(nn.Module):
    def __init__(self, s: dict[str, Any]) -> None:
        super().__init__()
        self.s = s
        D, Dd, places = s["encoder"]["width"], s["decoder"]["width"], s["rows"] * s["columns"]
        zeros = lambda *shape: nn.Parameter(torch.zeros(1, *shape))  # noqa: E731
        self.patch_embed = PatchEmbed(s["channels"], s["tube"], s["patch"], D)
        self.cls_token, self.decoder_cls_token, self.mask_token = zeros(1, D), zeros(1, Dd), zeros(1, Dd)
        self.pos_embed_spatial, self.pos_embed_temporal, self.pos_embed_class = zeros(places, D), zeros(s["frames"], D), zeros(1, D)
        self.decoder_pos_embed_spatial, self.decoder_pos_embed_temporal = zeros(places, Dd), zeros(s["frames"], Dd)
        self.decoder_pos_embed_class = zeros(1, Dd)
        self.blocks = nn.ModuleList(Block(D, s["encoder"]["heads"]) for _ in range(s["encoder"]["depth"]))
        self.norm = nn.LayerNorm(D, eps=1e-6)
        self.decoder_embed = nn.Linear(D, Dd)
        self.decoder_blocks = nn.ModuleList(Block(Dd, s["decoder"]["heads"]) for _ in range(s["decoder"]["depth"]))
        self.decoder_norm = nn.LayerNorm(Dd, eps=1e-6)
        self.decoder_pred = nn.Linear(Dd, s["predictedTube"] * s["patch"] ** 2 * s["channels"])

    def forward(self, videos: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """`videos` [B,C,T,H,W]."""
        kept, frames = self.s["kept"], self.s["frames"]
        x = self.patch_embed.proj(videos).flatten(3).permute(0, 2, 3, 1).flatten(1, 2)
        B, T, D = x.shape
        order = noise.argsort(1)
        keep, restore = order[:, :kept], order.argsort(1)
        places = (self.pos_embed_temporal[0, :, None] + self.pos_embed_spatial).reshape(T, D)
        x = x.gather(1, keep[:, :, None].expand(-1, -1, D)) + places[keep]
        x = torch.cat([(self.cls_token + self.pos_embed_class).expand(B, -1, -1), x], 1)
        for block in self.blocks:
            x = block(x)
        y = self.decoder_embed(self.norm(x)[:, 1:])
        y = torch.cat([y, self.mask_token.expand(B, T - kept, -1)], 1)
        y = y.gather(1, restore[:, :, None].expand(-1, -1, y.shape[2]))
        places = (self.decoder_pos_embed_temporal[0, :, None] + self.decoder_pos_embed_spatial).reshape(T, -1)
        y = torch.cat([(self.decoder_cls_token + self.decoder_pos_embed_class).expand(B, -1, -1), y + places], 1)
        for block in self.decoder_blocks:
            y = block(y)
        prediction = self.decoder_pred(self.decoder_norm(y))[:, 1:]
        p, u, C = self.s["patch"], self.s["predictedTube"], self.s["channels"]
        total = videos.shape[2]
        target = videos[:, :, torch.linspace(0, total - 1, frames * u).long()]
        rows, columns = self.s["rows"], self.s["columns"]
        target = target.reshape(B, C, frames, u, rows, p, columns, p).permute(0, 2, 4, 6, 3, 5, 7, 1).reshape(B, T, -1)
        target = (target - target.mean(-1, keepdim=True)) / (target.var(-1, keepdim=True) + 1e-6).sqrt()
        mask = (restore >= kept).float()
        return prediction, ((prediction - target).square().mean(-1) * mask).sum() / mask.sum()


def main() -> None:
    settings, arrays = peer.read_job(sys.argv[1])
    model = MaeSt(settings)
    model.load_state_dict(peer.tree(arrays, "weights/"), strict=True)
    prediction, loss = model(arrays["videos"].permute(0, 4, 1, 2, 3), arrays["noise"])
    loss.backward()
    gradients = {name: parameter.grad.flatten().tolist() for name, parameter in model.named_parameters()}
    print(json.dumps({"loss": loss.item(), "prediction": prediction.flatten().tolist(), "gradients": gradients}))


if __name__ == "__main__":
    main()

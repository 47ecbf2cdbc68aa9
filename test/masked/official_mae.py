"""A small MAE whose parameters have the authors' names: `official_mae.py JOB` prints the loss and a few predictions as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "experiments" / "bench" / "peers"))

import peer
import torch
from torch import Tensor, nn


class Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        B, T, D = x.shape
        q, k, v = self.qkv(x).reshape(B, T, 3, self.heads, D // self.heads).permute(2, 0, 3, 1, 4)
        weights = ((q @ k.transpose(-2, -1)) * (D // self.heads) ** -0.5).softmax(-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(B, T, D))


class Mlp(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(nn.functional.gelu(self.fc1(x)))


class Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.attn, self.mlp = Attention(width, heads), Mlp(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PatchEmbed(nn.Module):
    def __init__(self, channels: int, patch: int, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(channels, width, patch, patch)

    def forward(self, x: Tensor) -> Tensor:
        return self.proj(x).flatten(2).transpose(1, 2)


class Mae(nn.Module):
    def __init__(self, channels: int, patch: int, tokens: int, encoder: dict[str, int], decoder: dict[str, int]) -> None:
        super().__init__()
        D, Dd = encoder["width"], decoder["width"]
        self.patch = patch
        self.patch_embed = PatchEmbed(channels, patch, D)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, D))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + tokens, D))
        self.blocks = nn.ModuleList(Block(D, encoder["heads"]) for _ in range(encoder["depth"]))
        self.norm = nn.LayerNorm(D, eps=1e-6)
        self.decoder_embed = nn.Linear(D, Dd)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, Dd))
        self.decoder_pos_embed = nn.Parameter(torch.zeros(1, 1 + tokens, Dd))
        self.decoder_blocks = nn.ModuleList(Block(Dd, decoder["heads"]) for _ in range(decoder["depth"]))
        self.decoder_norm = nn.LayerNorm(Dd, eps=1e-6)
        self.decoder_pred = nn.Linear(Dd, patch * patch * channels)

    def forward(self, images: Tensor, noise: Tensor, kept: int) -> tuple[Tensor, Tensor]:
        """images [B,C,H,W] and the noise of the masking [B,T] give predictions [B,T,F] and the loss with normalised patches."""
        x = self.patch_embed(images) + self.pos_embed[:, 1:]
        B, T, D = x.shape
        shuffle = noise.argsort(1)
        restore = shuffle.argsort(1)
        x = x.gather(1, shuffle[:, :kept, None].expand(-1, -1, D))
        x = torch.cat([(self.cls_token + self.pos_embed[:, :1]).expand(B, -1, -1), x], 1)
        for block in self.blocks:
            x = block(x)
        y = self.decoder_embed(self.norm(x))
        tokens = torch.cat([y[:, 1:], self.mask_token.expand(B, T - kept, -1)], 1)
        tokens = tokens.gather(1, restore[:, :, None].expand(-1, -1, tokens.shape[2]))
        y = torch.cat([y[:, :1], tokens], 1) + self.decoder_pos_embed
        for block in self.decoder_blocks:
            y = block(y)
        prediction = self.decoder_pred(self.decoder_norm(y))[:, 1:]
        p = self.patch
        B, C, H, W = images.shape
        target = images.reshape(B, C, H // p, p, W // p, p).permute(0, 2, 4, 3, 5, 1).reshape(B, T, -1)
        target = (target - target.mean(-1, keepdim=True)) / (target.var(-1, keepdim=True) + 1e-6).sqrt()
        mask = (restore >= kept).float()
        loss = ((prediction - target).square().mean(-1) * mask).sum() / mask.sum()
        return prediction, loss


def main() -> None:
    settings, arrays = peer.read_job(sys.argv[1])
    weights = peer.tree(arrays, "weights/")
    model = Mae(settings["channels"], settings["patch"], settings["tokens"], settings["encoder"], settings["decoder"])
    model.load_state_dict(weights, strict=True)
    prediction, loss = model(arrays["images"].permute(0, 3, 1, 2), arrays["noise"], settings["kept"])
    loss.backward()
    gradient = model.patch_embed.proj.weight.grad
    print(json.dumps({"loss": loss.item(), "prediction": prediction.flatten().tolist(), "gradient": gradient.flatten().tolist()}))


if __name__ == "__main__":
    main()

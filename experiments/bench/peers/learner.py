"""The learner around a loss: gradient, clipping, RMSprop and the slow target, with PyTorch's multi-tensor kernels."""

from __future__ import annotations

from typing import Callable

import torch
from torch import Tensor

Parameters = dict[str, Tensor]


class Learner:
    def __init__(self, online: Parameters, slow: Parameters, rate: float, target_rate: float) -> None:
        self.online = {name: array.requires_grad_() for name, array in online.items()}
        self.slow = slow
        self.target_rate = target_rate
        self.optimiser = torch.optim.RMSprop(
            list(self.online.values()), lr=rate, alpha=0.99, eps=1e-5, weight_decay=1e-5, foreach=True
        )

    def update(self, loss: Callable[[], Tensor]) -> float:
        self.optimiser.zero_grad(set_to_none=True)
        value = loss()
        value.backward()
        parameters = list(self.online.values())
        torch.nn.utils.clip_grad_norm_(parameters, 50)
        self.optimiser.step()
        with torch.no_grad():
            slow = [self.slow[name] for name in self.online]
            torch._foreach_mul_(slow, 1 - self.target_rate)
            torch._foreach_add_(slow, [p.detach() for p in parameters], alpha=self.target_rate)
        return value.item()

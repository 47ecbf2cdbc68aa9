"""ACE's update with the arithmetic of the authors' code (ace-spec, sections 2 and 3): every action of every entity is embedded and
decided, agent after agent, in four whole forwards. Written from the description; parameters are those of lean.py, joined.

Axes: B batch, N entities, n agents, U untargeted actions, A = U + N actions (one slot per entity), H hidden.
"""

from __future__ import annotations

from typing import Optional

import torch
from torch import Tensor
from torch.nn.functional import linear, mse_loss, relu

Parameters = dict[str, Tensor]
Step = dict[str, Tensor]


def layer(p: Parameters, names: list[str], bias: str, x: Tensor) -> Tensor:
    """A layer over a concatenation, whose matrix is kept in parts."""
    return linear(x, torch.cat([p[name] for name in names if name in p]).t(), p[bias])


def mlp(p: Parameters, name: str, x: Tensor) -> Tensor:
    hidden = relu(layer(p, [f"{name}/hidden/w"], f"{name}/hidden/b", x))
    return relu(layer(p, [f"{name}/output/w"], f"{name}/output/b", hidden))


def head(p: Parameters, name: str, x: Tensor) -> Tensor:
    hidden = relu(layer(p, [f"{name}/hidden/w"], f"{name}/hidden/b", x))
    return layer(p, [f"{name}/output/w"], f"{name}/output/b", hidden)


def masks(step: Step, U: int, N: int) -> Tensor:
    """[B,n,A] bool with the targeted actions in the slots of their entities."""
    targets, given = step["actionTargets"], step["actionMask"]
    slots = torch.zeros(*given.shape[:2], N + 1, dtype=torch.bool)
    slots.scatter_(2, torch.where(given[..., U:], targets, N), True)
    return torch.cat([given[..., :U], slots[..., :N]], 2)


def forward(p: Parameters, step: Step, actions: Optional[Tensor]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Values [B,n] of the given or greedy actions, those actions [B,n], final embeddings [B,N,H], last pooled state [B,2H]."""
    B, N, _ = step["entities"].shape
    n, U = step["actionMask"].shape[1], p["table"].shape[0]
    at, alive = torch.arange(B), step["alive"].float()
    s0 = mlp(p, "state", step["entities"])
    H = s0.shape[2]
    seen = torch.cat([step["relations"], s0.unsqueeze(1).expand(-1, N, -1, -1)], 3)
    hidden = relu(layer(p, ["relation/relation", "relation/other/w"], "relation/other/b", seen))
    r = relu(layer(p, ["relation/output/w"], "relation/output/b", hidden))  # [B,N,N,2H]
    average, maximum = (r * alive.view(B, 1, N, 1)).chunk(2, 3)
    pooled = torch.cat([s0, average.mean(2), maximum.amax(2)], 2)
    s = relu(layer(p, ["aggregate/own/w", "aggregate/mean", "aggregate/max"], "aggregate/own/b", pooled))
    both = torch.cat([r, s.unsqueeze(1).expand(-1, N, -1, -1), s.unsqueeze(2).expand(-1, -1, N, -1)], 3)
    hidden = relu(layer(p, ["action/pair/w", "action/target", "action/actor"], "action/pair/b", both))
    active, passive = relu(layer(p, ["action/output/w"], "action/output/b", hidden)).chunk(2, 3)  # [B,N,N,H]
    mask = masks(step, U, N)
    entity = torch.arange(N)
    x, values, taken = s, [], []
    for i in range(n):
        on_self = passive[:, i] * (entity == i).view(1, N, 1)
        acts = torch.cat([p["table"].expand(B, -1, -1), active[:, i] + on_self], 1)
        actor = mlp(p, "decision", x[:, i : i + 1] + acts)  # [B,A,2H]
        kept = mlp(p, "decision", torch.stack([x, x + passive[:, i]], 2))  # [B,N,2,2H]
        # [B,A,N,2H]: the actor's row, the target's with what it receives, the others as they are
        rows = kept[:, :, 0].unsqueeze(1).repeat(1, U + N, 1, 1)
        rows[:, U + entity, entity] = kept[:, :, 1]
        rows[:, :, i] = actor
        mean, most = (rows * alive.view(B, 1, N, 1)).chunk(2, 3)
        z = torch.cat([mean.mean(2), most.amax(2)], 2)
        q = head(p, "value", z).squeeze(2)  # [B,A]
        action = actions[:, i] if actions is not None else q.masked_fill(~mask[:, i], -1e9).argmax(1)
        values.append(q[at, action])
        taken.append(action)
        target = (action - U).clamp(min=0)
        targeted = (action >= U).float().unsqueeze(1)
        x = x.clone()
        x[:, i] = x[:, i] + acts[at, action]
        x[at, target] = x[at, target] + passive[at, i, target] * (targeted * (target != i).unsqueeze(1))
    return torch.stack(values, 1), torch.stack(taken, 1), x, z[at, taken[-1]]


def act(p: Parameters, step: Step) -> Tensor:
    """Greedy joint actions [B,n], numbered as the environment numbers them."""
    U = p["table"].shape[0]
    taken = forward(p, step, None)[1]
    slot = (step["actionTargets"] == (taken - U).unsqueeze(2)).float().argmax(2)
    return torch.where(taken < U, taken, U + slot)


def loss_of(p: Parameters, slow: Parameters, batch: dict[str, Step], columns: list[int]) -> Tensor:
    now, following, plain = batch["now"], batch["next"], batch["plain"]
    n, U = now["actionMask"].shape[1], p["table"].shape[0]
    slot = plain["actions"] - U
    target = now["actionTargets"].gather(2, slot.clamp(min=0).unsqueeze(2)).squeeze(2)
    actions = torch.where(slot >= 0, U + target, plain["actions"])
    values, _, final, pooled = forward(p, now, actions)
    with torch.no_grad():
        _, greedy, _, _ = forward(p, following, None)
        last = forward(slow, following, greedy)[0][:, -1]
        forward(slow, now, actions)  # the authors' fourth, whose values are only logged
        y = (plain["returns"] + plain["discounts"] * last).unsqueeze(1).expand_as(values)
    loss = mse_loss(values, y)
    change = following["entities"][..., columns] - now["entities"][..., columns]
    sums = torch.cat([change[:, n:].sum(1), change[:, :n].sum(1)], 1)
    local = change / (change.abs().amax(1, keepdim=True) + 1e-9)
    whole = sums / (sums.abs().amax(1, keepdim=True) + 1e-9)
    auxiliary = mse_loss(head(p, "predict/local", final), local) + mse_loss(head(p, "predict/global", pooled), whole)
    return loss + 10 * auxiliary

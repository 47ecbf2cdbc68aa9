"""ACE in PyTorch with the same arithmetic as agents/ace: the honest peer of the engine (ace-spec, section 4).

Axes: B batch, N entities, n agents, A = U + T actions, H hidden, M situations (one agent about to decide in one state).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import linear, mse_loss, one_hot, relu

Parameters = dict[str, Tensor]
ABSENT = -1e9


def dense(p: Parameters, name: str, x: Tensor) -> Tensor:
    """x·w + b; weights are kept as [in, out]."""
    return linear(x, p[f"{name}/w"].t(), p[f"{name}/b"])


def mlp(p: Parameters, name: str, x: Tensor) -> Tensor:
    return relu(dense(p, f"{name}/output", relu(dense(p, f"{name}/hidden", x))))


@dataclass
class Encoded:
    x: Tensor  # [B,N,H]
    pairs: Tensor  # [B,N,N,2H]
    alive: Tensor  # [B,N,1]


def encode(p: Parameters, step: dict[str, Tensor]) -> Encoded:
    alive = step["alive"].float().unsqueeze(2)
    s0 = mlp(p, "state", step["entities"])
    first = dense(p, "relation/other", s0).unsqueeze(1)
    if "relation/relation" in p:
        first = first + step["relations"] @ p["relation/relation"]
    pairs = relu(dense(p, "relation/output", relu(first)))
    average, maximum = (pairs * alive.unsqueeze(1)).chunk(2, 3)
    own = dense(p, "aggregate/own", s0)
    x = relu(own + average.mean(2) @ p["aggregate/mean"] + maximum.amax(2) @ p["aggregate/max"])
    return Encoded(x, pairs, alive)


def embed(p: Parameters, pair: Tensor, target: Tensor, actor: Tensor) -> Tensor:
    """e_ij [..., 2H] from its three parts."""
    return relu(dense(p, "action/output", relu(dense(p, "action/pair", pair) + target + actor)))


def value(p: Parameters, z: Tensor) -> Tensor:
    return dense(p, "value/output", relu(dense(p, "value/hidden", z))).squeeze(-1)


def rows_at(x: Tensor, index: Tensor) -> Tensor:
    """x [B,R,C] at index [B,K]."""
    return x.gather(1, index.unsqueeze(2).expand(-1, -1, x.shape[2]))


@dataclass
class Decisions:
    actor: Tensor  # [B,n]
    action: Tensor  # [B,n]
    target: Tensor  # [B,n], -1 where there is none


def decisions_of(actions: Tensor, order: Tensor, targets: Tensor, untargeted: int) -> Decisions:
    action = actions.gather(1, order)
    slot = action - untargeted
    entity = targets.flatten(1).gather(1, order * targets.shape[2] + slot.clamp(min=0))
    return Decisions(order, action, torch.where(slot >= 0, entity, -1))


def chosen(p: Parameters, e: Encoded, d: Decisions) -> tuple[Tensor, Tensor]:
    N = e.x.shape[1]
    targeted = (d.target >= 0).unsqueeze(2).float()
    entity = d.target.clamp(min=0)
    table = p["table"]
    plain = table[d.action.clamp(max=table.shape[0] - 1)] * (1 - targeted)
    pair = rows_at(e.pairs.flatten(1, 2), d.actor * N + entity)
    target = rows_at(e.x, entity) @ p["action/target"]
    actor = rows_at(e.x, d.actor) @ p["action/actor"]
    active, passive = (embed(p, pair, target, actor) * targeted).chunk(2, 2)
    return plain + active, passive


def hot(index: Tensor, size: int) -> Tensor:
    """One-hot with zeros for -1."""
    return one_hot(index + 1, size + 1)[..., 1:].float()


@dataclass
class Followed:
    before: Tensor  # [B,N+2n,H]
    decided: Tensor  # [B,N+2n,2H]
    current: Tensor  # [B,n,N]
    final: Tensor  # [B,N,H]
    pooled: Tensor  # [B,n,2H]
    values: Tensor  # [B,n]


def follow(p: Parameters, e: Encoded, d: Decisions) -> Followed:
    """Every state along one joint action without a loop over agents."""
    B, N, H = e.x.shape
    n = d.actor.shape[1]
    active, passive = chosen(p, e, d)
    actor, target = hot(d.actor, N), hot(d.target, N)
    up_to = torch.ones(n, n).tril()
    acted_on = actor @ target.mT * up_to
    actor_rows = rows_at(e.x, d.actor) + acted_on @ passive + active
    received = (target @ target.mT * up_to) @ passive + (target @ actor.mT * up_to) @ active
    target_rows = rows_at(e.x, d.target.clamp(min=0)) + received
    before = dense(p, "decision/hidden", torch.cat([e.x, actor_rows, target_rows], 1))
    decided = relu(dense(p, "decision/output", relu(before)))
    weights, current = current_rows(actor, target)
    alive = e.alive.mT
    alive_rows = torch.cat([alive, alive @ actor.mT, alive @ target.mT], 2)
    average, maximum = decided.chunk(2, 2)
    mean = (weights * (alive_rows / N)) @ average
    rows = rows_at(maximum, current.flatten(1)).view(B, n, N, H)
    pooled = torch.cat([mean, (rows * e.alive.unsqueeze(1)).amax(2)], 2)
    final = e.x + actor.mT @ active + target.mT @ passive
    return Followed(before, decided, current, final, pooled, value(p, pooled))


def current_rows(actor: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    B, n, N = actor.shape
    up_to = torch.ones(n, n).tril()
    touches = (actor + target).cumsum(1)

    def unchanged(entity: Tensor) -> Tensor:
        return (touches @ entity.mT == (touches * entity).sum(2).unsqueeze(1)).float() * up_to

    distinct = target.sum(2) - (actor * target).sum(2)
    weights = torch.cat([(touches == 0).float(), unchanged(actor), unchanged(target) * distinct.unsqueeze(1)], 2)
    entities = torch.cat([torch.eye(N).expand(B, N, N), actor, target], 1)
    return weights, (weights * torch.arange(N + 2 * n) @ entities).long()


def final_value(p: Parameters, e: Encoded, d: Decisions) -> Tensor:
    N = e.x.shape[1]
    active, passive = chosen(p, e, d)
    x = e.x + hot(d.actor, N).mT @ active + hot(d.target, N).mT @ passive
    average, maximum = (mlp(p, "decision", x) * e.alive).chunk(2, 2)
    return value(p, torch.cat([average.mean(1), maximum.amax(1)], 1))


@dataclass
class Candidates:
    actor: Tensor  # [M]
    actor_alive: Tensor  # [M,1,1]
    active: Tensor  # [M,K,H], as the decision encoder's hidden layer sees it
    entity: Tensor  # [M,K']
    passive: Tensor  # [M,K',H]
    other: Tensor  # [M,K',1]


def shifts(p: Parameters, e: Encoded, sample: Tensor, actor: Tensor, entity: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    B, N, H = e.x.shape
    row = sample * N + actor
    someone = entity.clamp(min=0)
    x = e.x.flatten(0, 1)
    target_row = sample.unsqueeze(1) * N + someone
    pair = e.pairs.view(B * N * N, -1)[row.unsqueeze(1) * N + someone]
    target = (x @ p["action/target"])[target_row]
    embedded = embed(p, pair, target, (x @ p["action/actor"])[row].unsqueeze(1))
    M, K = entity.shape
    active, passive = (embedded.view(M, K, 2, H) @ p["decision/hidden/w"]).view(M, K, 2 * H).chunk(2, 2)
    alive = e.alive.flatten()
    other = (entity >= 0) & (entity != actor.unsqueeze(1))
    own = (entity == actor.unsqueeze(1)).unsqueeze(2).float()
    return active + passive * own, passive, (alive[target_row] * other).unsqueeze(2), alive[row].view(-1, 1, 1)


def all_candidates(p: Parameters, e: Encoded, sample: Tensor, actor: Tensor, targets: Tensor) -> Candidates:
    entity = targets[sample, actor]
    active, passive, other, actor_alive = shifts(p, e, sample, actor, entity)
    table = (p["table"] @ p["decision/hidden/w"]).expand(len(actor), -1, -1)
    return Candidates(actor, actor_alive, torch.cat([table, active], 1), entity, passive, other)


def one_candidate(p: Parameters, e: Encoded, sample: Tensor, actor: Tensor, targets: Tensor, action: Tensor) -> Candidates:
    U = p["table"].shape[0]
    slot = action - U
    entity = torch.where(slot >= 0, targets[sample, actor].gather(1, slot.clamp(min=0).unsqueeze(1)).squeeze(1), -1).unsqueeze(1)
    active, passive, other, actor_alive = shifts(p, e, sample, actor, entity)
    plain = (p["table"] @ p["decision/hidden/w"])[action.clamp(max=U - 1)].unsqueeze(1)
    active = torch.where((slot >= 0).view(-1, 1, 1), active, plain)
    return Candidates(actor, actor_alive, active, entity, passive, other)


@dataclass
class Outcome:
    values: Tensor
    actor: tuple[Tensor, Tensor]
    target: tuple[Tensor, Tensor]


def try_candidates(p: Parameters, before: Tensor, decided: Tensor, c: Candidates) -> Outcome:
    """V after each candidate, by incremental pooling."""
    M, N, H = before.shape
    K, K2 = c.active.shape[1], c.entity.shape[1]
    at = torch.arange(M)
    actor_before = before[at, c.actor].unsqueeze(1) + c.active
    target_before = rows_at(before, c.entity.clamp(min=0)) + c.passive
    out = relu(dense(p, "decision/output", relu(torch.cat([actor_before, target_before], 1))))
    actor_decided, target_decided = out[:, :K] * c.actor_alive, out[:, K:] * c.other
    others = decided.clone()
    others[at, c.actor] = 0
    averages, maxima = others.chunk(2, 2)
    total = averages.sum(1, keepdim=True)
    best = maxima.topk(2, 1).values
    whole, second = best[:, :1], best[:, 1:]
    without = torch.where(maxima == whole, second, whole)
    left = torch.where(c.other.squeeze(2) > 0, c.entity, N)
    index = torch.cat([torch.full((M, K - K2), N), left], 1)
    base_sum = rows_at(torch.cat([total - averages, total], 1), index)
    base_max = rows_at(torch.cat([without, whole], 1), index)
    pad = torch.zeros(M, K - K2, 2 * H)
    target_all = torch.cat([pad, target_decided], 1)
    mean = (base_sum + actor_decided[..., :H] + target_all[..., :H]) / N
    most = torch.maximum(torch.maximum(base_max, actor_decided[..., H:]), target_all[..., H:])
    values = value(p, torch.cat([mean, most], 2))
    return Outcome(values, (actor_before, actor_decided), (target_before, target_decided))


def best_of(values: Tensor, mask: Tensor) -> Tensor:
    return values.masked_fill(~mask, ABSENT).argmax(1)


def roll_out(p: Parameters, e: Encoded, step: dict[str, Tensor], order: Tensor) -> Tensor:
    """Greedy joint actions [B,n] by agent."""
    B, N, _ = e.x.shape
    n = order.shape[1]
    U = p["table"].shape[0]
    at = torch.arange(B)
    every = all_candidates(p, e, at.repeat(n), order.t().flatten(), step["actionTargets"])
    parts = [Candidates(*fields) for fields in zip(*(getattr(every, f).chunk(n) for f in every.__dataclass_fields__))]
    before = dense(p, "decision/hidden", e.x)
    decided = relu(dense(p, "decision/output", relu(before))) * e.alive
    actions = torch.empty(B, n, dtype=torch.long)
    for c in parts:
        outcome = try_candidates(p, before, decided, c)
        action = best_of(outcome.values, step["actionMask"][at, c.actor])
        actions[at, c.actor] = action
        slot = (action - U).clamp(min=0)
        entity = c.entity[at, slot]
        hit = (action >= U) & (entity != c.actor)
        before, decided = before.clone(), decided.clone()
        for rows, mine, theirs in zip((before, decided), outcome.actor, outcome.target):
            rows[at, c.actor] = mine[at, action]
            rows[at[hit], entity[hit]] = theirs[at[hit], slot[hit]]
    return actions


def prefixes(e: Encoded, f: Followed) -> tuple[Tensor, Tensor]:
    """States after each position, one per situation."""
    B, N, H = e.x.shape
    index = f.current.flatten(1)
    alive = e.alive.unsqueeze(1)
    decided = rows_at(f.decided, index).view(B, -1, N, 2 * H) * alive
    return rows_at(f.before, index).view(-1, N, H), decided.flatten(0, 1)


def targets_of(
    online: Parameters, slow: Parameters, batch: dict[str, dict[str, Tensor]], order: Tensor, sequential: bool
) -> Tensor:
    """y [B,n]: the next agent's best reply, and for the last (for all, unless sequential) the environment's return."""
    now, following, plain = batch["now"], batch["next"], batch["plain"]
    U = online["table"].shape[0]
    B, n = order.shape
    greedy = roll_out(online, encode(online, following), following, order)
    last = final_value(slow, encode(slow, following), decisions_of(greedy, order, following["actionTargets"], U))
    environment = (plain["returns"] + plain["discounts"] * last).unsqueeze(1)
    if n == 1 or not sequential:
        return environment.expand(-1, n)
    d = decisions_of(plain["actions"], order, now["actionTargets"], U)
    e = encode(online, now)
    sample = torch.arange(B).repeat_interleave(n - 1)
    replier = order[:, 1:].flatten()
    f = follow(online, e, d)
    f.current = f.current[:, :-1]
    state = prefixes(e, f)
    candidates = all_candidates(online, e, sample, replier, now["actionTargets"])
    reply = best_of(try_candidates(online, *state, candidates).values, now["actionMask"][sample, replier])
    e = encode(slow, now)
    state = prefixes(e, follow(slow, e, Decisions(d.actor[:, :-1], d.action[:, :-1], d.target[:, :-1])))
    one = one_candidate(slow, e, sample, replier, now["actionTargets"], reply)
    return torch.cat([try_candidates(slow, *state, one).values.view(B, n - 1), environment], 1)


def loss_of(p: Parameters, batch: dict[str, dict[str, Tensor]], y: Tensor, order: Tensor, columns: list[int]) -> Tensor:
    now, following, plain = batch["now"], batch["next"], batch["plain"]
    n = order.shape[1]
    f = follow(p, encode(p, now), decisions_of(plain["actions"], order, now["actionTargets"], p["table"].shape[0]))
    loss = mse_loss(f.values, y)
    if not columns:
        return loss
    change = following["entities"][..., columns] - now["entities"][..., columns]
    sums = torch.cat([change[:, n:].sum(1), change[:, :n].sum(1)], 1)
    local = change / (change.abs().amax(1, keepdim=True) + 1e-9)
    whole = sums / (sums.abs().amax(1, keepdim=True) + 1e-9)

    def head(name: str, x: Tensor) -> Tensor:
        return dense(p, f"predict/{name}/output", relu(dense(p, f"predict/{name}/hidden", x)))

    return loss + 10 * (mse_loss(head("local", f.final), local) + mse_loss(head("global", f.pooled[:, -1]), whole))

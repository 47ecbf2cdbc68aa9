"""Peer of ACE's update and of its greedy act: `ace.py JOB`. The settings say `what`: update or act with lean
arithmetic, authors or act-authors with that of the authors' code."""

from __future__ import annotations

import sys

import authors
import lean
import peer
import torch
from learner import Learner


def main() -> None:
    settings, arrays = peer.read_job(sys.argv[1])
    torch.set_num_threads(settings["threads"])
    online = peer.tree(arrays, "state/online/")
    if settings["what"] in ("act", "act-authors"):
        step, order = peer.tree(arrays, "step/"), arrays["order"]

        def act() -> torch.Tensor:
            with torch.no_grad():
                if settings["what"] == "act":
                    return lean.roll_out(online, lean.encode(online, step), step, order)
                return authors.act(online, step)

        peer.serve(act, {"actions": float(act().sum())})
        return
    slow = peer.tree(arrays, "state/target/")
    batch = {"now": peer.tree(arrays, "batch/now/"), "next": peer.tree(arrays, "batch/next/"), "plain": peer.tree(arrays, "batch/")}
    learner = Learner(online, slow, settings["learningRate"], settings["targetRate"])
    order = arrays["random/order"]
    columns = settings["predicted"]

    def update() -> float:
        if settings["what"] == "authors":
            return learner.update(lambda: authors.loss_of(learner.online, slow, batch, columns))
        with torch.no_grad():
            y = lean.targets_of(learner.online, slow, batch, order, settings["target"] == "sequential")
        return learner.update(lambda: lean.loss_of(learner.online, batch, y, order, columns))

    peer.serve(update, {"loss": update()})


if __name__ == "__main__":
    main()

# A custom environment in one class: `baton train --env python:./experiments/examples/my_env.py:Corridor`.
# Two agents on a corridor must stand on the bell at its right end at the same time.
class Corridor:
    n_agents = 2
    n_actions = 3
    action_names = ["stay", "left", "right"]
    unit_types = ["ringer"]

    def __init__(self, length=6):
        self.length = length
        self.episode_limit = 4 * length
        self.world_size = (length + 1, 2)

    def reset(self, seed):
        self.at = [seed % self.length, 7 * seed % self.length]
        return self.observations()

    def step(self, actions):
        moves = [0, -1, 1]
        self.at = [min(self.length, max(0, x + moves[a])) for x, a in zip(self.at, actions)]
        won = self.at == [self.length, self.length]
        # The host cuts the episode off at its limit, so `truncated` may stay False.
        return self.observations(), 10.0 if won else -0.1, won, False, {"won": won}

    def available_actions(self):
        return [[1, x > 0, x < self.length] for x in self.at]

    # Only for replays: x, y, radius, team, type, alive, health, its maximum, shield, its maximum.
    def units(self):
        return [[x + 0.5, 1, 0.4, 0, 0, 1, 1, 1, 0, 0] for x in self.at]

    def observations(self):
        a, b = (x / self.length for x in self.at)
        return [[0, a, b], [1, b, a]]

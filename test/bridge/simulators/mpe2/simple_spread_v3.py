from tests.fakes.pettingzoo import ParallelEnv


def parallel_env(max_cycles: int = 4) -> ParallelEnv:
    return ParallelEnv(max_cycles)

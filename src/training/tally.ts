/** Episodes that ended since the last look. */
export interface EpisodeSummary {
  readonly episodes: number;
  readonly wins: number;
  readonly meanReturn: number;
}

/** Sums over ended episodes; plain JSON. */
export interface TallyState {
  readonly episodes: number;
  readonly wins: number;
  readonly returns: number;
}

const nothing: TallyState = { episodes: 0, wins: 0, returns: 0 };

/** Counts the episodes that end between two points of a learning curve. */
export class EpisodeTally {
  #sums: TallyState = nothing;

  add(episode: { return: number; won: boolean }): void {
    const { episodes, wins, returns } = this.#sums;
    this.#sums = {
      episodes: episodes + 1,
      wins: wins + (episode.won ? 1 : 0),
      returns: returns + episode.return,
    };
  }

  /** Episodes that ended since the last call. */
  take(): EpisodeSummary {
    const { episodes, wins, returns } = this.#sums;
    this.#sums = nothing;
    const per = Math.max(1, episodes);
    return { episodes, wins, meanReturn: returns / per };
  }

  state(): TallyState {
    return this.#sums;
  }

  restore(state: TallyState): void {
    this.#sums = state;
  }
}

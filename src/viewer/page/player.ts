/** What the page shows now: a moment between 0 and the last step, whether it moves, how fast, and whose values are shown. */
export interface PlayerState {
  /** In steps; 3.5 is half way from step 3 to step 4. */
  readonly time: number;
  readonly playing: boolean;
  /** Steps a second. */
  readonly speed: number;
  /** The agent whose Q-values are shown. */
  readonly selected: number;
}

export interface Player {
  readonly state: PlayerState;
  readonly lastStep: number;
  toggle(): void;
  /** Stops and goes to a whole step. */
  seek(step: number): void;
  setSpeed(stepsPerSecond: number): void;
  select(agent: number): void;
}

/** Keeps the time of a replay and tells `onChange` of every change. Playing again at the end starts over. */
export function createPlayer(steps: number, selected: number, onChange: (state: PlayerState) => void): Player {
  const lastStep = steps - 1;
  let state: PlayerState = { time: 0, playing: false, speed: 4, selected };
  let previous: number | undefined;

  const change = (part: Partial<PlayerState>) => {
    state = { ...state, ...part };
    onChange(state);
  };
  const advance = (now: number) => {
    if (!state.playing) return;
    const time = Math.min(lastStep, state.time + (state.speed * (now - (previous ?? now))) / 1000);
    previous = now;
    change({ time, playing: time < lastStep });
    requestAnimationFrame(advance);
  };

  return {
    get state() {
      return state;
    },
    lastStep,
    toggle() {
      if (state.playing) return change({ playing: false });
      previous = undefined;
      change({ playing: lastStep > 0, time: state.time >= lastStep ? 0 : state.time });
      requestAnimationFrame(advance);
    },
    seek(step) {
      change({ playing: false, time: Math.min(lastStep, Math.max(0, Math.round(step))) });
    },
    setSpeed(speed) {
      change({ speed });
    },
    select(agent) {
      change({ selected: agent });
    },
  };
}

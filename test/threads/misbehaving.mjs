/** An environment that does what its options say when it is told to: throws, ends its thread, or fails to be made or closed. */
import { workerData } from "node:worker_threads";

/** First copy of this thread; undefined in the main one. */
const first = workerData?.first;

export default ({ mischief = "none", at = 2 }) => {
  if (mischief === "birth") throw new TypeError("no simulator here");
  if (mischief === "all" && first !== undefined && first !== 1) {
    if (first === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
    throw new TypeError(`no simulator for copy ${first}`);
  }
  let t = 0;
  return {
    spec: { id: "misbehaving", agents: 1, actions: 2, observationSize: 1, episodeLimit: 50 },
    reset(seed, out) {
      t = 0;
      out.observations[0] = seed;
    },
    step(actions, out) {
      t += 1;
      if (t === at && mischief === "throw") throw new TypeError("oops");
      if (t === at && mischief === "exit") process.exit(3);
      if (t === at && mischief === "long-info") out.info.text = "x".repeat(5000);
      out.observations[0] += actions[0];
      out.reward = t;
      out.info.odd = t % 2 === 1 ? Number.NaN : -0;
      out.truncated = t === 50;
    },
    close() {
      if (mischief === "all" && first !== undefined) throw new TypeError("cannot be closed");
      if (mischief === "close" && first !== undefined) throw new TypeError(`copy ${first} cannot be closed`);
    },
    frame: () => ({ width: 1 + t, height: 1, units: [] }),
  };
};

/** An environment that does what its options say when it is told to: throws, ends its thread, or fails to be made. */
export default ({ mischief = "none", at = 2 }) => {
  if (mischief === "birth") throw new TypeError("no simulator here");
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
    frame: () => ({ width: 1 + t, height: 1, units: [] }),
  };
};

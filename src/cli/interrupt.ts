/** The first Ctrl-C (or SIGTERM) asks the loop to stop and save; a second one ends the process at once. */
export function onInterrupt(sentence = "stopping: saving a checkpoint (press Ctrl-C again to leave without one)"): {
  signal: AbortSignal;
  done: () => void;
} {
  const controller = new AbortController();
  const handler = () => {
    if (controller.signal.aborted) process.exit(130);
    process.stderr.write(`\n${sentence}\n`);
    controller.abort();
  };
  process.on("SIGINT", handler);
  process.on("SIGTERM", handler);
  return {
    signal: controller.signal,
    done() {
      process.off("SIGINT", handler);
      process.off("SIGTERM", handler);
    },
  };
}

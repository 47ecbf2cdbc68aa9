import { spawnSync } from "node:child_process";

const candidates = ["python3", "/usr/bin/python3"];

/** A Python with the packages that `baton_host` needs; undefined, with one line that says why, when there is none. */
export function findPython(): string | undefined {
  const found = candidates.find((python) => spawnSync(python, ["-c", "import numpy, zmq, msgpack"]).status === 0);
  if (!found) {
    console.warn(
      `skipped: the bridge's cross-process tests need one of ${candidates.join(", ")} with numpy, pyzmq and msgpack ` +
        "(Debian: apt-get install python3-numpy python3-zmq python3-msgpack)",
    );
  }
  return found;
}

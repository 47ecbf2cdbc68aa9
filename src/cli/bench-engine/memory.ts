/** Whether memory stays flat: what a learner's process holds after many updates. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Device } from "../../tensor/device.js";
import { type StateFunction, StatefulStep } from "../../tensor/step.js";
import { type ArraySpec, specOf, type Tree } from "../../tensor/tree.js";
import type { Work } from "./work.js";

/** What the process held after so many updates, in bytes. */
export interface Held {
  readonly updates: number;
  /** Resident memory of the whole process. */
  readonly rss: number;
  /** JavaScript's heap and the buffers outside of it, after a collection. */
  readonly javascript: number;
}

/** Makes the engine's garbage collector callable. */
function collector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}

/** Runs `work` and looks at the memory after each of these numbers of updates, which rise. */
export async function memoryOver(device: Device, work: Work, counts: readonly number[]): Promise<Held[]> {
  const collect = collector();
  const signature = work.inputs.map((input) => specOf(input) as Tree<ArraySpec>);
  const step = await StatefulStep.create(device, work.fn as StateFunction, work.first, signature, work.name);
  const held: Held[] = [];
  let updates = 0;
  for (const count of counts) {
    for (; updates < count; updates++) await step.run(work.inputs);
    // Twice: what the runtime holds outside of the heap is given back only after the first collection.
    for (let i = 0; i < 2; i++) {
      collect();
      await new Promise(setImmediate);
    }
    const { rss, heapUsed, external } = process.memoryUsage();
    held.push({ updates, rss, javascript: heapUsed + external });
  }
  step.dispose();
  return held;
}

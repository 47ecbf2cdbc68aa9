import { BatonError } from "../../errors.js";
import type { Compiled, Device, PureFunction } from "../../tensor/device.js";
import { type StateFunction, StatefulStep } from "../../tensor/step.js";
import { type ArraySpec, HostArray, type HostTree, mapTree, specOf, type Tree } from "../../tensor/tree.js";
import { median } from "../bench-report.js";
import { Peer, type Times } from "./peer.js";
import type { PeerOf, Work } from "./work.js";

/** Medians over all runs, in milliseconds. */
export interface Measured {
  readonly wall: number;
  /** Processor time of all threads together: what is left of a busy machine's other work. */
  readonly cpu: number;
}

export interface Comparison {
  readonly ours: Measured;
  readonly peers: readonly (Measured & { readonly peer: PeerOf })[];
}

/** Runs some work through the interfaces that training uses. */
class Ours {
  private constructor(
    private readonly once: () => Promise<HostTree>,
    readonly dispose: () => void,
  ) {}

  static async start(device: Device, work: Work): Promise<Ours> {
    const { first, inputs, fn, name } = work;
    const signature = inputs.map((input) => specOf(input) as Tree<ArraySpec>);
    if (work.kind === "step") {
      const step = await StatefulStep.create(device, fn as StateFunction, first, signature, name);
      return new Ours(
        () => step.run(inputs),
        () => step.dispose(),
      );
    }
    const compiled: Compiled = await device.compile(fn as PureFunction, [specOf(first) as Tree<ArraySpec>, ...signature], name);
    const outputs = mapTree<ArraySpec, HostArray>(compiled.outputs, (spec) => HostArray.zeros(spec));
    return new Ours(
      () => compiled.run([first, ...inputs], outputs),
      () => compiled.dispose(),
    );
  }

  async check(work: Work): Promise<number> {
    return work.check(await this.once());
  }

  async run(runs: number): Promise<Times> {
    const wall: number[] = [];
    const cpu: number[] = [];
    for (let i = 0; i < runs; i++) {
      const [started, burnt] = [performance.now(), process.cpuUsage()];
      await this.once();
      wall.push(performance.now() - started);
      const { user, system } = process.cpuUsage(burnt);
      cpu.push((user + system) / 1000);
    }
    return { wall, cpu };
  }
}

/**
 * Measures ours and the peers in turns, so that whatever else the machine does falls on all alike. The first turn only warms up.
 *
 * @throws BatonError "io" when a peer that should compute the same does not.
 */
export async function compare(
  device: Device,
  work: Work,
  options: { readonly threads: number; readonly rounds: number; readonly python: string | undefined },
): Promise<Comparison> {
  const { threads, rounds, python } = options;
  const ours = await Ours.start(device, work);
  const peers: { peer: PeerOf; process: Peer; times: Times[] }[] = [];
  try {
    const check = await ours.check(work);
    for (const peer of python === undefined ? [] : work.peers) {
      const process = await Peer.start(python!, peer, threads);
      peers.push({ peer, process, times: [] });
      if (peer.same) assertSame(work, peer, check, process.check);
    }
    const times: Times[] = [];
    for (let round = 0; round <= rounds; round++) {
      const turn = await ours.run(work.runs);
      if (round > 0) times.push(turn);
      for (const each of peers) {
        const theirs = await each.process.run(work.runs);
        if (round > 0) each.times.push(theirs);
      }
    }
    return { ours: measured(times), peers: peers.map(({ peer, times: theirs }) => ({ peer, ...measured(theirs) })) };
  } finally {
    for (const { process } of peers) process.stop();
    ours.dispose();
  }
}

const measured = (turns: readonly Times[]): Measured => ({
  wall: median(turns.flatMap(({ wall }) => wall)),
  cpu: median(turns.flatMap(({ cpu }) => cpu)),
});

function assertSame(work: Work, peer: PeerOf, ours: number, theirs: number): void {
  if (Math.abs(ours - theirs) <= 1e-4 * Math.max(1, Math.abs(ours))) return;
  throw new BatonError("io", `${work.name}: Baton computes ${ours} and ${peer.name} ${theirs}: they do not do the same`);
}

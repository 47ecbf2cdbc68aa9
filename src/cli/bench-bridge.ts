import { Command } from "commander";
import { Dealer } from "zeromq";
import { connectGroups } from "../bridge/client.js";
import { Connection } from "../bridge/connection.js";
import { Host } from "../bridge/host.js";
import { encodeMessage } from "../bridge/protocol.js";
import type { VectorEnvironment } from "../environment.js";
import { allocateVectorTimeStep } from "../environments/timestep.js";
import { positiveNumber, wholeNumber } from "./arguments.js";
import { type BenchRow, benchRow, median, printBench } from "./bench-report.js";
import { closingAfter } from "./closing.js";
import { cpuSeconds } from "./cpu-time.js";

interface BenchBridgeOptions {
  rounds: string;
  seconds: string;
  python?: string;
  json?: boolean;
}

/** Length of the simulated environment's step, in seconds. */
const simulatedStep = 0.005;

export function benchBridgeCommand(): Command {
  return new Command("bridge")
    .description("What the bridge to Python costs: against bare ZeroMQ, in CPU time, and how hosts add up.")
    .option("--rounds <n>", "Rounds of measurement; the median is reported.", "7")
    .option("--seconds <s>", "Length of each round in seconds.", "0.3")
    .option("--python <path>", "Interpreter of the hosts (default: BATON_PYTHON, or python3).")
    .option("--json", "Print the figures as one JSON object.")
    .action((options: BenchBridgeOptions) => benchBridge(options));
}

async function benchBridge(options: BenchBridgeOptions): Promise<void> {
  const rounds = wholeNumber("--rounds", options.rounds, 1, 10_000);
  const seconds = positiveNumber("--seconds", options.seconds);
  const python = options.python ?? process.env.BATON_PYTHON ?? "python3";
  const rows: BenchRow[] = [];
  for (const copies of [1, 32]) {
    for (const kilobytes of [2, 64]) rows.push(...(await compareWithBare(python, copies, kilobytes, rounds, seconds)));
  }
  for (const kilobytes of [2, 64]) rows.push(...(await cpuTime(python, kilobytes, rounds, seconds)));
  rows.push(await twoHosts(python, rounds, seconds));
  printBench(rows, options.json === true);
}

/** Steps or answers that come in, and how long one takes. */
interface Rate {
  readonly perSecond: number;
  /** Median, in microseconds. */
  readonly roundTrip: number;
  /** CPU time of one, both sides together, in microseconds. */
  readonly cpu: number;
}

/** Round trips and rates of one size of message; the ways take turns, so that whatever else the machine does falls on all alike. */
async function compareWithBare(
  python: string,
  copies: number,
  kilobytes: number,
  rounds: number,
  seconds: number,
): Promise<BenchRow[]> {
  const size = 1024 * kilobytes;
  const seen = await closingAfter(async (keep) => {
    const ways = [
      keep(await openBare(python, copies, size, 1)),
      keep(await openBridge(python, copies, size, 1)),
      keep(await openBare(python, copies, size, 2)),
      keep(await openBridge(python, copies, size, 2)),
    ];
    const rates = ways.map((): Rate[] => []);
    for (const way of ways) await way.warmUp();
    for (let round = 0; round < rounds; round++) {
      for (const [k, way] of ways.entries()) rates[k]!.push(await way.measure(seconds));
    }
    return rates;
  });
  const middle = (k: number, of: (rate: Rate) => number) => median(seen[k]!.map(of));
  const steps = (k: number) => copies * middle(k, ({ perSecond }) => perSecond);
  const [bare, bridge, bareTwo, bridgeTwo] = [0, 1, 2, 3];
  // Noise of the machine is shared by what is measured one right after the other.
  const ratio = median(seen[bridgeTwo]!.map(({ perSecond }, round) => perSecond / seen[bareTwo]![round]!.perSecond));
  const name = `${copies} ${copies === 1 ? "copy" : "copies"} at ${kilobytes} KB`;
  const echo = "bare ZeroMQ echo";
  const rate = { name: `${name}: two requests under way`, unit: "env steps/s", value: steps(bridgeTwo) };
  const ceiling = { name: echo, value: steps(bridgeTwo) / ratio, target: 0.85, better: "higher" } as const;
  const idle = { name: "two idle cores should do", value: 150_000, target: 1, better: "higher" } as const;
  return [
    benchRow({ name: `${name}: round trip`, unit: "µs", value: middle(bridge, ({ roundTrip }) => roundTrip) }),
    benchRow({ name: `${name}: round trip, ${echo}`, unit: "µs", value: middle(bare, ({ roundTrip }) => roundTrip) }),
    benchRow({ name: `${name}: CPU time of a message, both sides`, unit: "µs", value: middle(bridgeTwo, ({ cpu }) => cpu) }),
    benchRow({ name: `${name}: CPU time of a message, ${echo}`, unit: "µs", value: middle(bareTwo, ({ cpu }) => cpu) }),
    benchRow({ name: `${name}: one request under way`, unit: "env steps/s", value: steps(bridge) }),
    benchRow(copies > 1 ? { ...rate, peer: ceiling } : rate),
    benchRow({ name: `${name}: two requests under way, ${echo}`, unit: "env steps/s", value: steps(bareTwo) }),
    ...(copies > 1 && kilobytes === 2 ? [benchRow({ ...rate, name: `${name}: null environment`, peer: idle })] : []),
  ];
}

interface Way {
  /** Until what is slow at first has passed. */
  warmUp(): Promise<void>;
  measure(seconds: number): Promise<Rate>;
  close(): Promise<void>;
}

/** A host for benchmarks: `copies` copies in each of `groups` groups, whose time steps take `size` bytes. */
function startHost(python: string, kind: "null" | "echo", copies: number, size: number, groups: number, step = 0): Host {
  const options = { size, groups, seconds: step };
  return new Host({ module: "baton_host.bench", environment: kind, copies: copies * groups, options, python });
}

async function openGroups(host: Host, groups: number) {
  const connection = new Connection(host.endpoint, "the bench's host");
  void host.ended.then((error) => connection.end(error));
  const close = async () => {
    connection.close();
    await host.close();
  };
  try {
    const environments = await connectGroups(connection, groups);
    const players = environments.map(playerOf);
    for (const player of players) await player.begin();
    return { players, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function playerOf(environment: VectorEnvironment) {
  const out = allocateVectorTimeStep(environment.spec, environment.copies);
  const actions = new Int32Array(environment.copies);
  const all = Array.from({ length: environment.copies }, (_, copy) => copy);
  return {
    begin: async () => environment.reset(all, all, out),
    step: async () => environment.step(actions, out),
  };
}

async function openBridge(python: string, copies: number, size: number, underWay: number, paced = 0): Promise<Way> {
  const host = startHost(python, "null", copies, size, underWay, paced);
  const { players, close } = await openGroups(host, underWay);
  return { warmUp: () => warmUp(players), measure: (seconds) => measure(players, seconds, host.pid), close };
}

/**
 * The same messages, as many under way, with nothing around the sockets: their bytes end as numbers in an array of ours, too, but
 * nobody looks what they mean.
 */
async function openBare(python: string, copies: number, size: number, underWay: number, paced = 0): Promise<Way> {
  const host = startHost(python, "echo", copies, size, underWay, paced);
  const socket = new Dealer({ linger: 0 });
  socket.connect(host.endpoint);
  const actions = { shape: [copies, 1], data: new Int32Array(copies) };
  const frame = encodeMessage("step", { id: 1, first: 0 }, { actions });
  const numbers = new Float32Array(size);
  const waiting: (() => void)[] = [];
  let receiving = false;
  const receive = async () => {
    if (receiving) return;
    receiving = true;
    while (waiting.length > 0) {
      const [answer] = await socket.receive();
      numbers.set(new Float32Array(answer!.buffer as ArrayBuffer, answer!.byteOffset, Math.floor(answer!.byteLength / 4)));
      waiting.shift()!();
    }
    receiving = false;
  };
  let sent: Promise<void> = Promise.resolve();
  const step = () =>
    new Promise<void>((resolve) => {
      waiting.push(resolve);
      sent = sent.then(() => socket.send(frame));
      // What a closed socket says is of no interest: the host has said why it ended.
      receive().catch(() => {});
    });
  // A host that cannot start answers nothing; it says why.
  const ended = await Promise.race([step().then(() => undefined), host.ended]);
  if (ended) {
    socket.close();
    throw ended;
  }
  const players = Array.from({ length: underWay }, () => ({ step }));
  return {
    warmUp: () => warmUp(players),
    measure: (seconds) => measure(players, seconds, host.pid),
    async close() {
      socket.close();
      await host.close();
    },
  };
}

/** Steps after which Node has compiled what is worth it. */
const warmSteps = 2000;

async function warmUp(players: readonly { step(): Promise<void> }[]): Promise<void> {
  await Promise.all(
    players.map(async ({ step }) => {
      for (let k = 0; k < warmSteps / players.length; k++) await step();
    }),
  );
}

/** All players go on by themselves for about `seconds`. */
async function measure(players: readonly { step(): Promise<void> }[], seconds: number, host?: number): Promise<Rate> {
  const cpuBefore = cpuSeconds(host === undefined ? [] : [host]);
  const start = performance.now();
  const end = start + 1000 * seconds;
  const times: number[] = [];
  await Promise.all(
    players.map(async ({ step }) => {
      let before = performance.now();
      while (before < end) {
        await step();
        const now = performance.now();
        times.push(now - before);
        before = now;
      }
    }),
  );
  const elapsed = (performance.now() - start) / 1000;
  const cpu = (1e6 * (cpuSeconds(host === undefined ? [] : [host]) - cpuBefore)) / times.length;
  return { perSecond: times.length / elapsed, roundTrip: 1000 * median(times), cpu };
}

/** CPU time of both sides while an environment sleeps through its steps, and what of it the sockets take. */
async function cpuTime(python: string, kilobytes: number, rounds: number, seconds: number): Promise<BenchRow[]> {
  const [copies, size] = [32, 1024 * kilobytes];
  const seen = await closingAfter(async (keep) => {
    const bridge = keep(await openBridge(python, copies, size, 1, simulatedStep));
    const bare = keep(await openBare(python, copies, size, 1, simulatedStep));
    const times: { bridge: number; bare: number }[] = [];
    for (let round = 0; round <= rounds; round++) {
      const one = { bridge: (await bridge.measure(seconds)).cpu, bare: (await bare.measure(seconds)).cpu };
      if (round > 0) times.push(one);
    }
    return times;
  });
  const share = (microseconds: number) => (100 * microseconds) / (1e6 * simulatedStep);
  const name = `${copies} copies at ${kilobytes} KB, steps of ${1000 * simulatedStep} ms: CPU time`;
  const unit = "% of the step";
  const peer = { name: "at most", value: 5, target: 1, better: "lower" } as const;
  // Noise of the machine is shared by what is measured one right after the other.
  const added = Math.max(0, share(median(seen.map((one) => one.bridge - one.bare))));
  return [
    benchRow({ name: `${name} of the bridge, both sides`, unit, value: share(median(seen.map((one) => one.bridge))), peer }),
    benchRow({ name: `${name} of a bare ZeroMQ echo`, unit, value: share(median(seen.map((one) => one.bare))) }),
    benchRow({ name: `${name} that the bridge adds to a bare echo`, unit, value: added, peer }),
  ];
}

/** Two hosts against one with steps of 5 ms, each with one request under way. */
async function twoHosts(python: string, rounds: number, seconds: number): Promise<BenchRow> {
  const rates = await closingAfter(async (keep) => {
    const open = async () => keep(await openGroups(startHost(python, "null", 32, 65_536, 1, simulatedStep), 1)).players;
    const players = [...(await open()), ...(await open())];
    const seen: { one: number; two: number }[] = [];
    for (let round = 0; round <= rounds; round++) {
      const one = await measure(players.slice(0, 1), seconds);
      const two = await measure(players, seconds);
      if (round > 0) seen.push({ one: 32 * one.perSecond, two: 32 * two.perSecond });
    }
    return seen;
  });
  return benchRow({
    name: "32 copies at 64 KB, steps of 5 ms: two hosts",
    unit: "env steps/s",
    value: median(rates.map(({ two }) => two)),
    peer: { name: "one host", value: median(rates.map(({ one }) => one)), target: 1.8, better: "higher" },
  });
}

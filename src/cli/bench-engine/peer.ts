import { type ChildProcessByStdio, spawn, spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { BatonError } from "../../errors.js";
import { packageRoot } from "../../package.js";
import type { PeerOf } from "./work.js";

/** Milliseconds of each run of one turn. */
export interface Times {
  readonly wall: readonly number[];
  /** Of all threads together. */
  readonly cpu: readonly number[];
}

const install = "apt install python3-torch libopenblas0-pthread libjemalloc2";
const allocators = ["/usr/lib/x86_64-linux-gnu/libjemalloc.so.2", "/usr/lib/aarch64-linux-gnu/libjemalloc.so.2"];

/** What PyTorch needs to be a fair peer and this machine lacks; empty when nothing is. */
export interface PeerReport {
  /** The interpreter that has PyTorch, if there is one. */
  readonly python?: string;
  /** One line each. */
  readonly complaints: readonly string[];
}

/**
 * Looks for a Python with PyTorch, a fast BLAS and an allocator that keeps large buffers.
 *
 * @throws BatonError "missing-dependency" when the given Python has no PyTorch.
 */
export function findPeer(given?: string): PeerReport {
  const candidates = given === undefined ? ["python3", "/usr/bin/python3"] : [given];
  const probe = [
    "import torch",
    "torch.ones(64, 64) @ torch.ones(64, 64)",
    "libraries = open('/proc/self/maps').read()",
    "print('openblas' in libraries or 'blis' in libraries or torch.backends.mkl.is_available())",
  ].join("\n");
  for (const python of candidates) {
    const { status, stdout } = spawnSync(python, ["-c", probe], { encoding: "utf8" });
    if (status !== 0) continue;
    const complaints =
      stdout.trim() === "True" ? [] : [`PyTorch's BLAS is the slow reference here: not a fair peer (${install})`];
    if (!allocators.some(existsSync)) complaints.push(`PyTorch runs without jemalloc: not a fair peer (${install})`);
    return { python, complaints };
  }
  if (given !== undefined)
    throw new BatonError("missing-dependency", `--python ${given} has no PyTorch`, {
      hint: `leave it out, measure alone with --no-peers, or install it: ${install}`,
    });
  return { complaints: [`no Python with PyTorch was found, so nothing is compared: ${install}`] };
}

/** A PyTorch process that waits between its turns. */
export class Peer {
  private constructor(
    /** The number of its first run. */
    readonly check: number,
    private readonly child: ChildProcessByStdio<Writable, Readable, null>,
    private readonly lines: AsyncIterator<string>,
    private readonly folder: string,
  ) {}

  static async start(python: string, peer: PeerOf, threads: number): Promise<Peer> {
    const folder = mkdtempSync(join(tmpdir(), "baton-bench-"));
    const job = join(folder, "job");
    writeJob(job, { ...peer.settings, threads }, peer.arrays);
    const allocator = allocators.find(existsSync);
    const child = spawn(python, [join(packageRoot(), "experiments/bench/peers", peer.script), job], {
      stdio: ["pipe", "pipe", "inherit"],
      env: {
        ...process.env,
        OMP_NUM_THREADS: String(threads),
        OPENBLAS_NUM_THREADS: String(threads),
        ...(allocator && { LD_PRELOAD: allocator, MALLOC_CONF: "dirty_decay_ms:-1,muzzy_decay_ms:-1" }),
      },
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    try {
      const { check } = JSON.parse(await nextLine(lines, peer.script)) as { check: Record<string, number> };
      return new Peer(Object.values(check)[0]!, child, lines, folder);
    } catch (error) {
      child.kill();
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  async run(runs: number): Promise<Times> {
    this.child.stdin.write(`${JSON.stringify({ runs })}\n`);
    return JSON.parse(await nextLine(this.lines, "peer")) as Times;
  }

  stop(): void {
    this.child.stdin.end();
    this.child.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function nextLine(lines: AsyncIterator<string>, script: string): Promise<string> {
  const { value, done } = await lines.next();
  if (!done) return value;
  throw new BatonError("io", `the peer ${script} ended early`, {
    hint: "what it wrote stands above; --no-peers measures without",
  });
}

/** A line of JSON, then the arrays' bytes: what peer.py reads. */
function writeJob(path: string, settings: object, arrays: PeerOf["arrays"]): void {
  const file = openSync(path, "w");
  const listed = arrays.map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
  writeFileSync(file, `${JSON.stringify({ settings, arrays: listed })}\n`);
  for (const [, { data }] of arrays) writeFileSync(file, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  closeSync(file);
}

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { BatonError } from "../errors.js";
import { packageRoot } from "../package.js";
import { atProcessEnd } from "./cleanup.js";
import { faultError } from "./fault.js";

/** Characters of a host's output that are kept for the message about its end. */
const tailLength = 32_000;

/** Lines of it that are shown. */
const tailLines = 20;

/** Milliseconds that a host gets to close its simulators before it is killed. */
const grace = 2500;

export interface HostOptions {
  /** `module:Class` or `path/to/file.py:Class`. */
  readonly environment: string;
  readonly copies: number;
  /** `environment` is an id of the gym (see `gym/`) and served with its own spaces. */
  readonly gym?: boolean;
  /** Keyword arguments of the class, as JSON has them. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** The interpreter, `python3` unless given. */
  readonly python?: string;
  /** Folders in which Python looks for modules, besides the working folder and PYTHONPATH. */
  readonly path?: readonly string[];
  /** Called with what the host or its simulators print; it is dropped otherwise, but for the last lines when the host dies. */
  readonly output?: (text: string) => void;
}

/**
 * One `baton_host` process and the folder of its socket. It ends with {@link Host.close}, or with this process: then its standard
 * input ends, upon which it ends itself, so not even `kill -9` leaves it behind. It leads a process group, so that simulators
 * which it started end with it and Ctrl-C in a terminal reaches only Baton, which may still need it for a moment.
 */
export class Host {
  /** `ipc://…` in a temporary folder that only this user may enter. */
  readonly endpoint: string;
  /** Resolves when the process is gone and its folder removed, with the reason for people. */
  readonly ended: Promise<BatonError>;
  readonly #name: string;
  readonly #folder: string;
  readonly #process: ChildProcess;
  #tail = "";

  constructor({ environment, copies, gym = false, options = {}, python = "python3", path = [], output = () => {} }: HostOptions) {
    this.#name = gym ? environment : `python:${environment}`;
    this.#folder = mkdtempSync(join(tmpdir(), "baton-"));
    this.endpoint = `ipc://${join(this.#folder, "host")}`;
    const folders = [join(packageRoot(), "envs", "python"), ...path.map((folder) => resolve(folder))];
    const given = process.env.PYTHONPATH;
    const env = { ...process.env, PYTHONUNBUFFERED: "1", PYTHONPATH: [...folders, ...(given ? [given] : [])].join(delimiter) };
    const settings = [
      "--env",
      environment,
      "--copies",
      String(copies),
      "--options",
      JSON.stringify(options),
      ...(gym ? ["--gym"] : []),
    ];
    this.#process = spawn(python, ["-m", "baton_host", ...settings, "--bind", this.endpoint, "--with-parent"], {
      env,
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
    });
    const keep = (text: string) => {
      this.#tail = (this.#tail + text).slice(-tailLength);
      output(text);
    };
    this.#process.stdout?.setEncoding("utf8").on("data", keep);
    this.#process.stderr?.setEncoding("utf8").on("data", keep);
    // Nothing is ever written there; it may break when the host dies.
    this.#process.stdin?.on("error", () => {});
    this.ended = this.#watch(python);
    this.#setReferenced(false);
  }

  /** The process id; undefined when the interpreter could not be started. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Ends the process, gently at first, and waits until it is gone. */
  async close(): Promise<void> {
    this.#setReferenced(true);
    this.#process.stdin?.end();
    const timer = setTimeout(() => this.#killGroup(), grace);
    await this.ended;
    clearTimeout(timer);
  }

  #watch(python: string): Promise<BatonError> {
    const forget = atProcessEnd(() => this.#destroy());
    return new Promise((resolve) => {
      this.#process.once("error", (error: NodeJS.ErrnoException) => {
        if (this.#process.pid !== undefined) return; // a signal that could not be sent; the end is still to come
        forget();
        this.#destroy();
        resolve(cannotStart(python, error));
      });
      // Simulators may outlive their host and hold its pipes open, which "close" waits for.
      this.#process.once("exit", () => this.#destroy());
      this.#process.once("close", (code, signal) => {
        forget();
        resolve(endError(this.#name, code, signal, this.#tail));
      });
    });
  }

  #destroy(): void {
    this.#killGroup();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #killGroup(): void {
    if (this.#process.pid === undefined) return;
    try {
      process.kill(-this.#process.pid, "SIGKILL");
    } catch {
      // The group is gone already.
    }
  }

  /** An idle host must not keep a finished program from exiting. */
  #setReferenced(referenced: boolean): void {
    const { stdin, stdout, stderr } = this.#process;
    // Pipes are sockets, which the types of a child process do not say.
    for (const handle of [this.#process, stdin, stdout, stderr] as unknown as ({ ref(): void; unref(): void } | null)[]) {
      if (referenced) handle?.ref();
      else handle?.unref();
    }
  }
}

function cannotStart(python: string, error: NodeJS.ErrnoException): BatonError {
  if (error.code === "ENOENT") {
    return new BatonError("missing-dependency", `the Python interpreter "${python}" was not found`, {
      hint: "apt-get install python3 (or from https://python.org), or name another interpreter",
    });
  }
  return new BatonError("io", `the Python interpreter "${python}" cannot be started: ${error.message}`, { cause: error });
}

/** Why a host ended: what it said itself in its last lines, or how it ended and what it printed last. */
export function endError(name: string, code: number | null, signal: NodeJS.Signals | null, tail: string): BatonError {
  // See `main` in baton_host/__main__.py.
  const last = tail.slice(tail.lastIndexOf("\nbaton_host: ") + 1);
  const said = /^baton_host: ([a-z-]+): ([\s\S]*?)(?:\nhint: ([^\n]*))?\s*$/.exec(last);
  if (said && code === 1) return faultError({ code: said[1], message: said[2], hint: said[3] }, name);
  const how = signal ? `killed by ${signal}` : `exit code ${code}`;
  const lines = tail.trimEnd().split("\n").slice(-tailLines).join("\n");
  return new BatonError(
    "io",
    `${name}: its Python host ended (${how})${lines ? `; its last words:\n${lines}` : " without a word"}`,
  );
}

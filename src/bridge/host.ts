import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { BatonError } from "../errors.js";
import { packageRoot } from "../package.js";
import { atProcessEnd } from "./cleanup.js";
import { faultError } from "./fault.js";
import type { ClientKeys } from "./keys.js";

/** Characters of a host's output that are kept for the message about its end. */
const tailLength = 32_000;

/** Lines of it that are shown. */
const tailLines = 20;

/** Milliseconds that a host gets to close its simulators before it is killed. */
const grace = 2500;

/** Milliseconds in which what a host had printed at its end comes through. */
const lastWordsDelay = 1000;

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
  /** The Python module that is run, `baton_host` unless given. */
  readonly module?: string;
  /** Called with what the host or its simulators print; it is dropped otherwise, but for the last lines when the host dies. */
  readonly output?: (text: string) => void;
}

/** A host that runs somewhere, however it was started. */
export interface RunningHost {
  readonly endpoint: string;
  /** What its peers must have; undefined where none is needed. */
  readonly keys?: ClientKeys | undefined;
  /** It has been running before it was asked for. */
  readonly runs?: boolean;
  /** Resolves when it is gone and nothing is left of it, with the reason for people; never while it is only unreachable. */
  readonly ended: Promise<BatonError>;
  /** Ends it, or leaves it alone where it belongs to somebody else. */
  close(): Promise<void>;
}

/** A command that runs a host until its standard input ends. */
export interface HostCommand {
  /** How messages call the host. */
  readonly name: string;
  readonly command: string;
  readonly arguments: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly endpoint: string;
  readonly keys?: ClientKeys | undefined;
  /** Milliseconds that it gets to close its simulators before it is killed. */
  readonly grace: number;
  /** See {@link HostOptions.output}. */
  readonly output?: ((text: string) => void) | undefined;
  /** Removes, at once and without waiting, what a killed host leaves behind. */
  discard(): void;
  /** Why the command cannot be started, or ended as it did; undefined where there is nothing to add to its last words. */
  explain(end: NodeJS.ErrnoException | { readonly code: number | null; readonly tail: string }): BatonError | undefined;
}

/**
 * A host that a command of this process runs. It ends with {@link HostProcess.close}, or with this process: then its standard
 * input ends, upon which it ends itself, so not even `kill -9` leaves it behind. It leads a process group, so that simulators
 * which it started end with it and Ctrl-C in a terminal reaches only Baton, which may still need it for a moment.
 */
export class HostProcess implements RunningHost {
  readonly endpoint: string;
  readonly keys: ClientKeys | undefined;
  readonly ended: Promise<BatonError>;
  readonly #command: HostCommand;
  readonly #process: ChildProcess;
  #tail = "";

  constructor(command: HostCommand) {
    this.#command = command;
    this.endpoint = command.endpoint;
    this.keys = command.keys;
    this.#process = spawn(command.command, command.arguments, {
      env: command.env,
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
    });
    const keep = (text: string) => {
      this.#tail = (this.#tail + text).slice(-tailLength);
      command.output?.(text);
    };
    this.#process.stdout?.setEncoding("utf8").on("data", keep);
    this.#process.stderr?.setEncoding("utf8").on("data", keep);
    // Nothing is ever written there; it may break when the host dies.
    this.#process.stdin?.on("error", () => {});
    this.ended = this.#watch();
    this.#setReferenced(false);
  }

  /** The process id; undefined when the command could not be started. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Ends the process, gently at first, and waits until it is gone. */
  async close(): Promise<void> {
    this.#setReferenced(true);
    this.#process.stdin?.end();
    const timer = setTimeout(() => this.#destroy(), this.#command.grace);
    await this.ended;
    clearTimeout(timer);
  }

  #watch(): Promise<BatonError> {
    const { name, command, explain } = this.#command;
    const forget = atProcessEnd(() => this.#destroy());
    return new Promise((resolve) => {
      this.#process.once("error", (error: NodeJS.ErrnoException) => {
        if (this.#process.pid !== undefined) return; // a signal that could not be sent; the end is still to come
        forget();
        this.#destroy();
        const message = `${command} cannot be started: ${error.message}`;
        resolve(explain(error) ?? new BatonError("io", message, { cause: error }));
      });
      // Simulators may outlive their host and hold its pipes open, which "close" waits for: for ever where they lead a group of
      // their own, which is not ours to kill.
      this.#process.once("exit", () => {
        this.#destroy();
        setTimeout(() => this.#hangUp(), lastWordsDelay).unref();
      });
      this.#process.once("close", (code, signal) => {
        forget();
        resolve(explain({ code, tail: this.#tail }) ?? endError(name, code, signal, this.#tail));
      });
    });
  }

  #destroy(): void {
    this.#killGroup();
    this.#command.discard();
  }

  #hangUp(): void {
    this.#process.stdout?.destroy();
    this.#process.stderr?.destroy();
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

/** One `baton_host` process on this machine, and the folder of its socket, `ipc://…`, that only this user may enter. */
export class Host extends HostProcess {
  constructor(options: HostOptions) {
    super(processCommand(options));
  }
}

function processCommand({
  environment,
  copies,
  gym = false,
  options = {},
  python = "python3",
  path = [],
  module = "baton_host",
  output,
}: HostOptions): HostCommand {
  const folder = mkdtempSync(join(tmpdir(), "baton-"));
  const endpoint = `ipc://${join(folder, "host")}`;
  const folders = [join(packageRoot(), "envs", "python"), ...path.map((folder) => resolve(folder))];
  const given = process.env.PYTHONPATH;
  return {
    name: gym ? environment : `python:${environment}`,
    command: python,
    arguments: ["-m", module, ...hostArguments({ environment, copies, gym, options }), "--bind", endpoint, "--with-parent"],
    env: { ...process.env, PYTHONUNBUFFERED: "1", PYTHONPATH: [...folders, ...(given ? [given] : [])].join(delimiter) },
    endpoint,
    grace,
    output,
    discard: () => rmSync(folder, { recursive: true, force: true }),
    explain: (end) => ("tail" in end ? undefined : cannotStart(python, end)),
  };
}

/** What `baton_host` is told wherever it runs. */
export function hostArguments({
  environment,
  copies,
  gym,
  options = {},
}: Pick<HostOptions, "environment" | "copies" | "gym" | "options">): string[] {
  const settings = ["--env", environment, "--copies", String(copies), "--options", JSON.stringify(options)];
  return gym ? [...settings, "--gym"] : settings;
}

function cannotStart(python: string, error: NodeJS.ErrnoException): BatonError | undefined {
  if (error.code === "ENOENT") {
    return new BatonError("missing-dependency", `the Python interpreter "${python}" was not found`, {
      hint: "apt-get install python3 (or from https://python.org), or name another interpreter",
    });
  }
  return undefined;
}

/** Why a host ended: what it said itself in its last lines, or how it ended and what it printed last. */
export function endError(name: string, code: number | null, signal: NodeJS.Signals | null, tail: string): BatonError {
  // See `main` in baton_host/__main__.py.
  const last = tail.slice(tail.lastIndexOf("\nbaton_host: ") + 1);
  const said = /^baton_host: ([a-z-]+): ([\s\S]*?)(?:\nhint: ([^\n]*))?\s*$/.exec(last);
  if (said && code === 1) return faultError({ code: said[1], message: said[2], hint: said[3] }, name);
  const how = signal ? `killed by ${signal}` : `exit code ${code}`;
  const lines = lastWords(tail);
  return new BatonError(
    "io",
    `${name}: its Python host ended (${how})${lines ? `; its last words:\n${lines}` : " without a word"}`,
  );
}

/** The end of what a host printed, as far as it is shown. */
export function lastWords(tail: string): string {
  return tail.trimEnd().split("\n").slice(-tailLines).join("\n");
}

import { setTimeout as sleep } from "node:timers/promises";
import { Dealer, type SocketOptions } from "zeromq";
import { BatonError } from "../errors.js";
import { faultError } from "./fault.js";
import { type ClientKeys, keysCommand } from "./keys.js";
import { encodeMessage, type Message, type RequestTemplate, type WireArray, type WireData } from "./protocol.js";
import { KnownMessage, MessageReader } from "./reader.js";

/** Messages that may wait on each side; only a few requests are ever under way. */
const highWaterMark = 16;

/** Milliseconds between attempts to reach a host that is still starting. */
const reconnectInterval = 20;

/**
 * Milliseconds between heartbeats, and until a peer that sends none counts as lost. ZeroMQ's own threads exchange them, so a
 * simulator that computes for long does not miss any; a process that is stopped or a machine that is gone does.
 */
const heartbeatInterval = 2000;
const heartbeatTimeout = 10_000;

/** Milliseconds for whoever started the host to say why it ended, which says more than that the connection broke. */
const lossDelay = 500;

/** Milliseconds until {@link observe} is tried again. */
const observerDelay = 5;

/** Milliseconds; for longer ones, Node's timers ring at once. */
const longestTimer = 2 ** 31 - 1;

/** A larger answer is dropped before it is read: no time step comes near it. */
const maxAnswerBytes = 1 << 30;

interface Pending {
  readonly id: number;
  readonly kind: string;
  /** Seconds that it may take, and when they are over, in `performance.now()`'s milliseconds. */
  readonly timeout: number;
  readonly deadline: number;
  resolve(answer: Message): void;
  reject(error: unknown): void;
}

/**
 * Requests and their answers over one DEALER socket, which nothing else touches. Several requests may be under way; each has an
 * id that its answer repeats. While none is, the connection does not keep the process alive.
 */
export class Connection {
  readonly #options: SocketOptions<Dealer>;
  readonly #socket: Dealer;
  /**
   * A few at most. No Map: one whose entries come and go leaves its old tables behind, each with its last entries and a link to
   * the next table, and the first that V8 takes for long-lived keeps all later ones, their answers' frames with them, until the
   * next full collection.
   */
  readonly #pending: Pending[] = [];
  readonly #reader = new MessageReader();
  #nextId = 1;
  #receiving = false;
  readonly #guarded: boolean;
  readonly #runs: boolean;
  /** Nobody has to shake hands through a file. */
  #watchesHandshake: boolean;
  /** A socket takes one send at a time; the others wait here. */
  readonly #outgoing: { readonly id: number; readonly frame: Uint8Array }[] = [];
  #sending = false;
  /** Why nothing can be asked any more. */
  #ended: BatonError | undefined;
  /** Answers so far. */
  #heard = 0;
  /** One clock for all requests, and when it rings: mostly their answers come long before, and nobody has to set it again. */
  #clock: NodeJS.Timeout | undefined;
  #rings = 0;
  /** Looks whether an answer is slow to come. */
  #quiet: NodeJS.Timeout | undefined;
  #watch: Dealer | undefined;
  /** Runs once the peer is gone. */
  #lost: NodeJS.Timeout | undefined;

  /**
   * @param peer how messages call the other side, e.g. `python:my_env:MyEnv`.
   * @param keys for hosts that answer only those whose key they know.
   * @param runs the host has been running for a while: it is not starting, and means it when it hangs up.
   */
  constructor(
    readonly endpoint: string,
    readonly peer: string,
    keys?: ClientKeys,
    runs = false,
  ) {
    this.#runs = runs;
    this.#options = {
      linger: 0,
      sendHighWaterMark: highWaterMark,
      receiveHighWaterMark: highWaterMark,
      maxMessageSize: maxAnswerBytes,
      reconnectInterval,
      heartbeatInterval,
      heartbeatTimeout,
      handshakeInterval: heartbeatTimeout,
      ipv6: endpoint.includes("["),
      ...(keys && { curveServerKey: keys.hostKey, curvePublicKey: keys.publicKey, curveSecretKey: keys.secretKey }),
    };
    this.#socket = new Dealer(this.#options);
    this.#guarded = keys !== undefined;
    this.#watchesHandshake = endpoint.startsWith("tcp:");
    void this.#connect();
  }

  /** Requests wait in the socket until it is connected. */
  async #connect(): Promise<void> {
    // Nothing of a handshake may be missed, so the observer comes first.
    while (this.#watchesHandshake && !this.#ended && !observe(this.#socket)) await sleep(observerDelay);
    if (!this.#ended) this.#socket.connect(this.endpoint);
  }

  /**
   * Sends a request and waits for its answer.
   *
   * @param timeout seconds to wait.
   * @throws BatonError `io` when no answer comes in time or the connection has ended; the host's own error when it sent a fault;
   *   `incompatible` when the answer is no message.
   */
  request(
    kind: string,
    fields: Readonly<Record<string, unknown>>,
    arrays: Readonly<Record<string, WireArray>>,
    timeout: number,
  ): Promise<Message> {
    const id = this.#nextId;
    return this.#ask(id, kind, encodeMessage(kind, { id, ...fields }, arrays), timeout);
  }

  /** {@link request} for a request that is asked again and again with other numbers. */
  ask(template: RequestTemplate, data: WireData, timeout: number): Promise<Message> {
    return this.#ask(this.#nextId, template.kind, template.write(this.#nextId, data), timeout);
  }

  #ask(id: number, kind: string, frame: Uint8Array, timeout: number): Promise<Message> {
    if (this.#ended) return Promise.reject(this.#ended);
    this.#nextId = (id % 0xffffffff) + 1;
    if (this.#watchesHandshake) void this.#watchHandshake();
    return new Promise<Message>((resolve, reject) => {
      const deadline = performance.now() + timeout * 1000;
      this.#pending.push({ id, kind, timeout, deadline, resolve, reject });
      if (this.#clock === undefined || deadline < this.#rings) this.#wind(deadline);
      this.#outgoing.push({ id, frame });
      if (!this.#sending) void this.#send();
      if (!this.#receiving) void this.#receive();
      if (this.#quiet === undefined) this.#listen();
    });
  }

  /** Looks in a while whether anything has been heard by then. */
  #listen(after = heartbeatInterval, heard = this.#heard): void {
    this.#quiet = setTimeout(() => this.#watchIfQuiet(heard), after).unref();
  }

  /** Ends the connection: whatever is under way or asked later fails with `error`. */
  end(error: BatonError): void {
    if (this.#ended) return;
    this.#ended = error;
    clearTimeout(this.#quiet);
    clearTimeout(this.#clock);
    this.#endWatch();
    for (const { id } of [...this.#pending]) this.#settle(id)?.reject(error);
    this.#socket.close();
  }

  /**
   * When nothing has been heard since `before` although an answer is awaited from a host that has answered already (one that is
   * still loading cannot be connected to), opens a second connection that only tells whether
   * the peer is there. Not from the start, since listening to a connection keeps the process alive.
   */
  #watchIfQuiet(before: number): void {
    this.#quiet = undefined;
    if (this.#pending.length === 0 || this.#ended || this.#watch) return;
    if (this.#heard !== before) {
      // Who waits now may ask no more: nobody else would look again.
      this.#listen();
      return;
    }
    if (before === 0) return;
    const watch = new Dealer(this.#options);
    const events = observe(watch);
    if (!events) {
      watch.close();
      this.#listen(observerDelay, before);
      return;
    }
    const lose = () => {
      const error = new BatonError("io", `${this.peer}: the connection to its host broke`);
      this.#lost ??= setTimeout(() => this.end(error), lossDelay);
    };
    events.on("disconnect", lose);
    events.on("connect:retry", lose);
    watch.connect(this.endpoint);
    this.#watch = watch;
  }

  #endWatch(): void {
    clearTimeout(this.#lost);
    this.#lost = undefined;
    this.#watch?.close();
    this.#watch = undefined;
  }

  close(): void {
    this.end(new BatonError("io", `${this.peer}: the connection has been closed`));
  }

  /**
   * A host that refuses our keys, or has other ones, only hangs up: without this, a request would wait for its time-out. It ends
   * with the first handshake, for whoever watches keeps the process alive.
   */
  async #watchHandshake(): Promise<void> {
    this.#watchesHandshake = false;
    try {
      // Not closed afterwards: an observer that is closed later than its socket never gives back its own sockets.
      for await (const { type } of this.#socket.events) {
        if (type === "handshake") return;
        if (!type.startsWith("handshake:error")) continue;
        // Engines listen on a container's port before its host does, and hang up.
        if (type === "handshake:error:other" && !this.#runs) continue;
        const keys = this.#guarded ? "does not accept these keys" : "wants keys";
        const hint = `give both sides their files of one "${keysCommand}": host.json there, client.json here`;
        this.end(new BatonError("io", `${this.peer}: the host at ${this.endpoint} ${keys}`, { hint }));
        return;
      }
    } catch {
      // The connection has ended; who waits for an answer knows.
    }
  }

  async #send(): Promise<void> {
    this.#sending = true;
    for (let next = this.#outgoing.shift(); next; next = this.#outgoing.shift()) {
      try {
        await this.#socket.send(next.frame);
      } catch (error) {
        this.#refuse(next.id, error);
      }
    }
    this.#sending = false;
  }

  /** The only reader of the socket; it reads as long as an answer is awaited. */
  async #receive(): Promise<void> {
    this.#receiving = true;
    try {
      while (this.#pending.length > 0 && !this.#ended) {
        this.#handle(await this.#socket.receive());
        // Whoever waited for this answer may ask at once: that request goes first, so that the host has something to do.
        await new Promise((go) => process.nextTick(go));
      }
    } catch (error) {
      // `end` closes the socket under the reader; that is no mistake.
      if (!this.#ended) this.end(new BatonError("io", `${this.peer}: the connection broke: ${String(error)}`, { cause: error }));
    } finally {
      this.#receiving = false;
    }
  }

  #handle(frames: readonly Uint8Array[]): void {
    this.#heard += 1;
    if (this.#watch) {
      this.#endWatch();
      this.#listen(); // for the sake of others that wait
    }
    let answer: Message;
    try {
      if (frames.length !== 1) throw new BatonError("incompatible", `an answer has one frame, not ${frames.length}`);
      answer = this.#reader.read(frames[0]!);
    } catch (error) {
      // Whose answer it was meant to be cannot be told, so none is to be trusted.
      this.end(this.#named(error as BatonError));
      return;
    }
    const id = answer instanceof KnownMessage ? answer.id : answer.fields.id;
    if (answer.kind === "fault" && id === null) {
      this.end(faultError(answer.fields, this.peer));
      return;
    }
    // An answer that nobody waits for any more came after its time-out.
    const pending = typeof id === "number" ? this.#settle(id) : undefined;
    if (answer.kind === "fault") pending?.reject(faultError(answer.fields, this.peer));
    else pending?.resolve(answer);
  }

  #settle(id: number): Pending | undefined {
    // Hosts answer in turn, so that it is mostly the first.
    const place = this.#pending[0]?.id === id ? 0 : this.#pending.findIndex((pending) => pending.id === id);
    const pending = place > 0 ? this.#pending.splice(place, 1)[0] : place === 0 ? this.#pending.shift() : undefined;
    if (this.#watch && this.#pending.length === 0) this.#endWatch();
    return pending;
  }

  /** Sets the clock to the first deadline, of which it knows `deadline` to be one. */
  #wind(deadline: number): void {
    clearTimeout(this.#clock);
    this.#rings = deadline;
    this.#clock = setTimeout(() => this.#ring(), Math.min(Math.max(0, deadline - performance.now()), longestTimer)).unref();
  }

  /** Requests whose time is over fail; for the others, the clock is set again. */
  #ring(): void {
    this.#clock = undefined;
    const now = performance.now();
    for (const { id, kind, timeout, deadline } of [...this.#pending]) {
      if (deadline <= now) this.#settle(id)?.reject(this.#timeoutError(kind, timeout));
    }
    if (this.#pending.length > 0) this.#wind(Math.min(...this.#pending.map(({ deadline }) => deadline)));
  }

  #refuse(id: number, error: unknown): void {
    this.#settle(id)?.reject(new BatonError("io", `${this.peer}: a request cannot be sent: ${String(error)}`, { cause: error }));
  }

  #named(error: BatonError): BatonError {
    return new BatonError(error.code, `${this.peer}: ${error.message}`, error.hint === undefined ? {} : { hint: error.hint });
  }

  #timeoutError(kind: string, timeout: number): BatonError {
    return new BatonError("io", `${this.peer}: no answer to "${kind}" within ${timeout} s`, {
      hint: "its simulator hangs, or is slow and needs a longer time-out",
    });
  }
}

/**
 * A socket's observer; undefined at a bad moment. It is found through a name made of its place in memory, which one that was there
 * before may not have given up yet.
 */
function observe(socket: Dealer): Dealer["events"] | undefined {
  try {
    return socket.events;
  } catch {
    return undefined;
  }
}

import type { VectorEnvironment } from "../environment.js";
import { connectGroups, type Patience } from "./client.js";
import { Connection } from "./connection.js";
import type { RunningHost } from "./host.js";

/** A running host and what is open to it. */
export interface Session {
  /** Its copies, in groups that may be stepped independently. */
  readonly groups: readonly VectorEnvironment[];
  close(): Promise<void>;
}

/** What a session is opened with. */
export interface SessionOptions {
  /** What messages call the host. */
  readonly id: string;
  readonly launch: () => RunningHost;
  /** Copies that are wanted of it. */
  readonly copies: number;
  /** Groups that its copies are split into. */
  readonly groups: number;
  readonly patience: Patience;
  /** Gives up the opening. */
  readonly signal?: AbortSignal;
}

/** Starts a host and waits until it is ready. Throws a BatonError, with nothing left running, when that fails. */
export async function openSession({ id, launch, copies, groups, patience, signal }: SessionOptions): Promise<Session> {
  signal?.throwIfAborted();
  const host = launch();
  const connection = new Connection(host.endpoint, id, host.keys, host.runs);
  const close = async () => {
    connection.close();
    await host.close();
  };
  void host.ended.then((error) => connection.end(error));
  const giveUp = () => connection.close();
  signal?.addEventListener("abort", giveUp);
  try {
    return { groups: await connectGroups(connection, groups, patience, copies), close };
  } catch (error) {
    await close();
    throw error;
  } finally {
    signal?.removeEventListener("abort", giveUp);
  }
}

import type { HostOptions, RunningHost } from "../host.js";

/** What a host shall serve. */
export type HostRequest = Pick<HostOptions, "environment" | "copies" | "gym" | "options" | "output">;

/** A way to get hosts. */
export interface Launcher {
  /** `process`, `podman`, `docker` or `connect`. */
  readonly name: string;
  /**
   * Gets a host, which may still be loading: whether it comes up is told by its answer to a handshake, or by its end.
   *
   * @throws BatonError when it is plain from the start that this request cannot be served.
   */
  launch(request: HostRequest): RunningHost;
  /** How many hosts there are, for launchers that start none. */
  hosts?(request: HostRequest): number;
}

import { BatonError } from "../../errors.js";
import { type ClientKeys, checkEndpoint } from "../keys.js";
import type { Launcher } from "./launcher.js";

/**
 * Hosts run already, here or elsewhere, and lend their copies (`baton simulators up`). Requests take the endpoints in turn; closing
 * one gives its copies back.
 *
 * @throws BatonError `invalid-value` for no endpoints, or one that is no address or beyond this machine while there are no keys.
 */
export function connectLauncher(endpoints: readonly string[], keys: ClientKeys | undefined): Launcher {
  if (endpoints.length === 0) {
    throw new BatonError("invalid-value", "there are no endpoints to connect to", {
      hint: 'give them with --connect tcp://127.0.0.1:5600, or start hosts with "baton simulators up"',
    });
  }
  for (const endpoint of endpoints) checkEndpoint(endpoint, keys, "the endpoint");
  let next = 0;
  return {
    name: "connect",
    launch: () => ({
      endpoint: endpoints[next++ % endpoints.length]!,
      keys,
      // Whether it is gone or only unreachable cannot be told from here.
      ended: new Promise(() => {}),
      close: async () => {},
    }),
  };
}

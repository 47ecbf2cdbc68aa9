import { BatonError } from "../../errors.js";
import { readRecords } from "../fleet/records.js";
import { type ClientKeys, checkEndpoint } from "../keys.js";
import type { HostRequest, Launcher } from "./launcher.js";

/** Requests so far, of whichever launcher: evaluations do not begin with the endpoint that the training began with. */
let taken = 0;

/**
 * Hosts run already, here or elsewhere, and lend their copies (`baton simulators up`). Requests take the endpoints in turn; closing
 * one gives its copies back.
 *
 * @param endpoints where they are; those that this machine's `baton simulators up` started when there are none.
 * @throws BatonError `invalid-value` for an endpoint that is no address, or is beyond this machine while there are no keys.
 */
export function connectLauncher(endpoints: readonly string[], keys: ClientKeys | undefined): Launcher {
  for (const endpoint of endpoints) checkEndpoint(endpoint, keys, "the endpoint");
  const placesFor = (request: HostRequest) =>
    endpoints.length > 0 ? endpoints.map((endpoint) => ({ endpoint, keys })) : ownFleet(request, keys);
  return {
    name: "connect",
    hosts: (request) => placesFor(request).length,
    launch(request) {
      const places = placesFor(request);
      return {
        ...places[taken++ % places.length]!,
        runs: true,
        // Whether it is gone or only unreachable cannot be told from here.
        ended: new Promise(() => {}),
        close: async () => {},
      };
    },
  };
}

/** Hosts on this machine that serve what is asked for. */
function ownFleet({ environment, options = {} }: HostRequest, keys: ClientKeys | undefined) {
  const serving = readRecords().filter((host) => host.environment === environment);
  const found = serving.filter((host) => JSON.stringify(host.options) === JSON.stringify(options));
  if (found.length > 0) return found.map((host) => ({ endpoint: host.endpoint, keys: host.keys ?? keys }));
  const what = serving.length > 0 ? `, though ${serving.length} with other options` : "";
  throw new BatonError("io", `no host of ${environment} runs on this machine${what}`, {
    hint: 'start some with "baton simulators up", or name others with --connect tcp://ADDRESS:PORT',
  });
}

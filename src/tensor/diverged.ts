import { BatonError } from "../errors.js";

/**
 * Ends a training whose numbers are no longer numbers, before they are saved.
 *
 * @param reported What the latest update reported: losses, norms of gradients.
 * @param update Its number, from 1.
 * @param setting Name of the learning rate's setting.
 * @param fresh Whether a run keeps its learning rate for good, so that another one needs a new run.
 * @throws BatonError "diverged"
 */
export function refuseDiverged(reported: Readonly<Record<string, number>>, update: number, setting: string, fresh = false): void {
  for (const [name, value] of Object.entries(reported)) {
    if (Number.isFinite(value)) continue;
    throw new BatonError("diverged", `training diverged: ${name} is ${value} after update ${update}`, {
      hint: `lower ${setting} (${fresh ? "--fresh " : ""}--set ${setting}=…); the last checkpoint is from before`,
    });
  }
}

/** `--fresh`: a run is deleted only when somebody says so. */
import { createInterface } from "node:readline/promises";
import { BatonError } from "../errors.js";

/** Asks whether the run may be deleted, unless `yes`. Throws a BatonError "cancelled" when it may not. */
export async function askToDelete(path: string, yes: boolean): Promise<void> {
  if (yes) return;
  if (!process.stdin.isTTY) {
    throw new BatonError("cancelled", `--fresh would delete the run in ${path}, and there is no terminal to ask`, {
      hint: "add --yes to delete it without asking",
    });
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`Delete the run in ${path}? [y/N] `);
  terminal.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw new BatonError("cancelled", `kept ${path}; nothing was changed`);
}

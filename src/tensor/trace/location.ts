import { relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

const engineFolder = fileURLToPath(new URL("../", import.meta.url));

/** Frames that tell a user nothing: Node's own, tfjs's, and this engine's (its tests are users). */
function isOurs(file: string): boolean {
  if (file.startsWith("node:") || !file.includes(sep)) return true;
  if (file.includes(`${sep}@tensorflow${sep}`)) return true;
  return file.startsWith(engineFolder) && !file.endsWith(".test.ts");
}

/** Takes the stack as it is now; the text is made only when {@link userLocation} asks for it. */
export function captureStack(): Error {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 60;
  const here = new Error("trace");
  Error.stackTraceLimit = limit;
  return here;
}

/** `file:line:column` of the first frame in the user's code, the file relative to the working directory; undefined if there is none. */
export function userLocation(stack: Error): string | undefined {
  for (const line of (stack.stack ?? "").split("\n").slice(1)) {
    const match = /\(?((?:file:\/\/)?[^\s()]+):(\d+):(\d+)\)?$/.exec(line.trim());
    if (!match) continue;
    const file = match[1]!.startsWith("file://") ? fileURLToPath(match[1]!) : match[1]!;
    if (!isOurs(file)) return `${relative(process.cwd(), file)}:${match[2]}:${match[3]}`;
  }
  return undefined;
}

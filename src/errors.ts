/** Every kind of mistake that Baton reports to its user in a sentence. A closed set, so that callers can switch on it. */
export const errorCodes = [
  "unknown-name", // a preset, environment, agent, device or key that does not exist
  "invalid-value", // a value of the wrong type or out of range
  "invalid-file", // a file that is not what it should be, or is torn
  "incompatible", // a run folder, replay or peer of another version or shape
  "missing-dependency", // something optional is not installed
  "io", // the disk, the network or a device refused
  "environment", // an environment broke its contract
  "untraceable", // an operation that cannot be compiled
  "diverged", // a training's numbers are no longer numbers
  "cancelled", // the user said no
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/**
 * A mistake that the user can mend. The command line prints its message (and hint) without a stack trace and exits with 1.
 *
 * @example
 * throw new BatonError("unknown-name", `no environment is called "skirmish/4m"`, { hint: 'did you mean "skirmish/3m"?' });
 */
export class BatonError extends Error {
  readonly code: ErrorCode;
  /** What to do about it, one sentence. */
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "BatonError";
    this.code = code;
    this.hint = options.hint;
  }
}

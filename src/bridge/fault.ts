import { BatonError, type ErrorCode, errorCodes } from "../errors.js";

/**
 * What a host says went wrong, as an error of this side: its sentence and, below that, the traceback of the user's Python code.
 *
 * @param fields code, message, hint and trace of a `fault` message; nothing in them is trusted.
 */
export function faultError(fields: Readonly<Record<string, unknown>>, peer: string): BatonError {
  const { code, message, hint, trace } = fields;
  const known = errorCodes.includes(code as ErrorCode) ? (code as ErrorCode) : "environment";
  const sentence = typeof message === "string" && message !== "" ? message : `${peer}: the host failed without saying why`;
  const below = typeof trace === "string" && trace !== "" ? `\n${trace}` : "";
  return new BatonError(known, sentence + below, typeof hint === "string" && hint !== "" ? { hint } : {});
}

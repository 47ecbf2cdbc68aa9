import * as tf from "@tensorflow/tfjs";

/**
 * Runs synchronous `body` with tfjs on this backend and puts back the one before. tfjs's backend is one for the whole process, so
 * nothing may wait in between. The backend must be initialised already ({@link initialiseBackend}).
 */
export function withBackend<T>(name: string, body: () => T): T {
  const before = tf.getBackend() as string | null;
  // setBackend switches at once when the backend exists; its promise then carries nothing.
  if (before !== name) void tf.setBackend(name);
  try {
    return body();
  } finally {
    if (before && before !== name) void tf.setBackend(before);
  }
}

/** Makes the backend of this name ready for {@link withBackend}; resolves to false where it cannot start. */
export async function initialiseBackend(name: string): Promise<boolean> {
  const before = tf.getBackend() as string | null;
  const ready = await tf.setBackend(name).catch(() => false);
  if (before && before !== name) void tf.setBackend(before);
  const instance = tf.findBackend(name) as { firstUse?: boolean } | null;
  // tfjs's JS backend advertises its native sibling on the console at first use; Baton has its own list of devices.
  if (instance && name === "cpu") instance.firstUse = false;
  return ready;
}

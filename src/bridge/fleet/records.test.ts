import { closeSync, readdirSync } from "node:fs";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { temporaryFolder } from "../../../test/temporary-folder.js";
import { type HostRecord, readRecords, recordsFolder, removeRecord, takeName, writeRecord } from "./records.js";

beforeEach(() => {
  vi.stubEnv("XDG_STATE_HOME", temporaryFolder());
});
afterEach(() => {
  vi.unstubAllEnvs();
});

function take(): string {
  const { name, log } = takeName("baton-game");
  closeSync(log);
  return name;
}

it("gives a name to one host only, though there is no record of it yet", () => {
  expect([take(), take()]).toEqual(["baton-game-1", "baton-game-2"]);
  expect(readRecords()).toEqual([]);
  const place = { endpoint: "tcp://127.0.0.1:1", copies: 1, pid: 1, start: "", since: "" };
  const host: HostRecord = { name: "baton-game-3", environment: "game", options: {}, launch: "process", ...place };
  writeRecord(host);
  expect(take()).toBe("baton-game-4");
  removeRecord("baton-game-1");
  expect(take()).toBe("baton-game-1");
  for (const k of [1, 2, 3, 4]) removeRecord(`baton-game-${k}`);
  expect(readdirSync(recordsFolder())).toEqual([]);
});

import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { temporaryFolder } from "../../test/temporary-folder.js";
import { endError, Host } from "./host.js";
import { isPythonEnvironment, openPythonEnvironment } from "./python.js";

describe("endError", () => {
  it("repeats what the host said itself", () => {
    const tail = "loading maps\nbaton_host: unknown-name: no such class\nTraceback\n  line 3\nhint: look again\n";
    const error = endError("python:a:B", 1, null, tail);
    expect(error).toMatchObject({ code: "unknown-name", message: "no such class\nTraceback\n  line 3", hint: "look again" });
    expect(endError("python:a:B", 1, null, "baton_host: io: cannot bind")).toMatchObject({ code: "io", message: "cannot bind" });
    expect(endError("python:a:B", 1, null, "baton_host: io: cannot bind").hint).toBeUndefined();
  });

  it("shows the last lines of a host that died without a sentence", () => {
    const tail = Array.from({ length: 50 }, (_, k) => `line ${k}\n`).join("");
    const { code, message } = endError("python:a:B", null, "SIGSEGV", tail);
    expect(code).toBe("io");
    expect(message).toMatch(/^python:a:B: its Python host ended \(killed by SIGSEGV\); its last words:\nline 30\n/);
    expect(message.endsWith("line 49")).toBe(true);
    expect(endError("python:a:B", 3, null, "").message).toBe("python:a:B: its Python host ended (exit code 3) without a word");
  });
});

describe("Host", () => {
  it("is gone with its process, though a simulator that it started on its own holds its output open", async () => {
    const folder = temporaryFolder();
    const simulator = "simulator = subprocess.Popen(['sleep', '600'], start_new_session=True)";
    writeFileSync(join(folder, "leaves_one.py"), `import subprocess, sys\n${simulator}\nprint(simulator.pid)\nsys.exit(3)\n`);
    const host = new Host({ environment: "a:B", copies: 1, module: "leaves_one", path: [folder] });
    const { message } = await host.ended;
    process.kill(Number(/(\d+)$/.exec(message)![1]), "SIGKILL");
    expect(message).toMatch(/^python:a:B: its Python host ended \(exit code 3\); its last words:\n\d+$/);
    await host.close();
  });
});

describe("openPythonEnvironment", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it("knows its ids", () => {
    expect(isPythonEnvironment("python:my_env:MyEnv")).toBe(true);
    expect(isPythonEnvironment("./python.ts")).toBe(false);
  });

  it.each(["python:", "python:my_env", "python::MyEnv", "python:my_env:", "skirmish/3m"])("refuses the id %s", async (id) => {
    await expect(openPythonEnvironment(id, 1)).rejects.toMatchObject({
      code: "invalid-value",
      message: `"${id}" names no Python environment`,
    });
  });

  it("refuses a number of copies that is none", async () => {
    await expect(openPythonEnvironment("python:a:B", 0)).rejects.toMatchObject({
      code: "invalid-value",
      message: expect.stringMatching(/copies is 0/),
    });
  });

  it("says when there is no such interpreter, and leaves no folder behind", async () => {
    const folder = temporaryFolder();
    vi.stubEnv("TMPDIR", folder);
    const opening = openPythonEnvironment("python:a:B", 1, { python: "no-such-python" });
    await expect(opening).rejects.toMatchObject({
      code: "missing-dependency",
      message: 'the Python interpreter "no-such-python" was not found',
    });
    expect(readdirSync(folder)).toEqual([]);
  });
});

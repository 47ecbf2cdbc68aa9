import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { RecordedEpisode } from "../runs/episodes.js";
import { style } from "./page/style.js";
import { encodePayload } from "./payload.js";

/** How a page of ours is told from any other file: it stands in the page's first kilobyte. */
export const replayPageMark = '<meta name="generator" content="Baton replay">';

/** Forbids the page every request, so that what it shows can only come from the page itself. */
const policy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:";

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
export const escapeHtml = (text: string) => text.replace(/[&<>"]/g, (c) => entities[c]!);

/** The page's script as one piece, bundled from `page/main` (TypeScript when Baton runs from source, JavaScript when built). */
async function bundleScript(): Promise<string> {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`./page/main.${extension}`, import.meta.url))],
    bundle: true,
    write: false,
    minify: true,
    format: "iife",
    target: "es2022",
    platform: "browser",
    charset: "utf8",
    legalComments: "none",
    logLevel: "silent",
    tsconfigRaw: "{}",
  });
  // The HTML parser ends a script at the first "</script", even inside a string.
  return outputFiles[0]!.text.replaceAll("</script", "<\\/script");
}

/**
 * One self-contained HTML file that replays `episode`: no network, opens from disk. The same episode gives the same bytes.
 *
 * @example
 * await writeFile("replay.html", await renderReplayPage(episode));
 */
export async function renderReplayPage(episode: RecordedEpisode): Promise<string> {
  const [script, payload] = await Promise.all([bundleScript(), encodePayload(episode)]);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
${replayPageMark}
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(`${episode.env}: ${episode.agent}, seed ${episode.seed}`)}</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<noscript>This replay needs JavaScript.</noscript>
<script type="text/plain" id="episode">${payload}</script>
<script>${script}</script>
</body>
</html>
`;
}

import { escapeHtml, replayPageMark } from "./html.js";

/** What a page of a pre-training shows. */
export interface PretrainingPage {
  readonly title: string;
  /** Name and value, in order. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  /** The curve of the loss, an SVG picture. */
  readonly curve: string;
  readonly pictures: readonly { readonly caption: string; readonly png: Uint8Array }[];
}

const style = `
:root { color-scheme: light dark; --page: #f4f5f7; --card: #fff; --line: #dfe3e8; --text: #1b2430; --muted: #5f6b7a; }
@media (prefers-color-scheme: dark) { :root { --page: #10141a; --card: #171d25; --line: #2a323d; --text: #e4e9ef; --muted: #94a1b0; } }
body { margin: 0 auto; max-width: 1100px; padding: 16px; background: var(--page); color: var(--text); font: 14px/1.45 system-ui, sans-serif; }
h1 { font-size: 18px; margin: 0 0 8px; }
dl { display: flex; flex-wrap: wrap; gap: 2px 18px; margin: 0 0 12px; color: var(--muted); }
dl div { display: flex; gap: 6px; }
dd { margin: 0; color: var(--text); font-weight: 550; }
main { display: flex; flex-wrap: wrap; align-items: flex-start; gap: 12px; }
figure { margin: 0; padding: 12px; background: var(--card); border: 1px solid var(--line); border-radius: 10px; max-width: 100%; box-sizing: border-box; overflow-x: auto; }
figure svg, figure img { display: block; max-width: 100%; height: auto; image-rendering: pixelated; }
figcaption { margin-top: 8px; color: var(--muted); max-width: 70ch; }
`;

/** One self-contained HTML file about a pre-training: no script, no network. The same run gives the same bytes. */
export function renderPretrainingPage({ title, facts, curve, pictures }: PretrainingPage): string {
  const figure = (inside: string, caption: string) => `<figure>${inside}<figcaption>${escapeHtml(caption)}</figcaption></figure>`;
  const image = (png: Uint8Array, alt: string) =>
    `<img alt="${escapeHtml(alt)}" src="data:image/png;base64,${Buffer.from(png).toString("base64")}">`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
${replayPageMark}
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
<dl>${facts.map(([name, value]) => `<div><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd></div>`).join("")}</dl>
<main>
${figure(curve, "Loss on the tokens that are hidden, mean between two reports")}
${pictures.map(({ caption, png }) => figure(image(png, caption), caption)).join("\n")}
</main>
</body>
</html>
`;
}

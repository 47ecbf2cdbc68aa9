import { expect, it } from "vitest";
import { replayPageMark } from "./html.js";
import { renderPretrainingPage } from "./pretraining-page.js";

it("holds everything itself, and nothing that is written breaks out", () => {
  const page = renderPretrainingPage({
    title: 'a <b> & "c"',
    facts: [["updates", "<800>"]],
    curve: "<svg>curve</svg>",
    pictures: [{ caption: "what is <hidden>", png: Uint8Array.of(1, 2, 3) }],
  });
  expect(page.slice(0, 1024)).toContain(replayPageMark);
  expect(page).toContain("<h1>a &lt;b&gt; &amp; &quot;c&quot;</h1>");
  expect(page).toContain("<dd>&lt;800&gt;</dd>");
  expect(page).toContain("<svg>curve</svg>");
  expect(page).toContain('<img alt="what is &lt;hidden&gt;" src="data:image/png;base64,AQID">');
  expect(page).not.toMatch(/<script|https?:/);
});

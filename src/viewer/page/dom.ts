type Attributes = Readonly<Record<string, string>>;
type Child = Node | string;

/** Makes an element; text children become text nodes, never markup. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** Makes an SVG element. */
export function svgElement<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** A number as people read it: three decimals, a real minus sign. */
export function formatNumber(value: number, digits = 3): string {
  return value.toFixed(digits).replace("-", "−");
}

/** Like {@link formatNumber}, with its sign always shown. */
export function formatSigned(value: number, digits = 3): string {
  return (value >= 0 ? "+" : "") + formatNumber(value, digits);
}

import type { Random } from "./random.js";

const WORDS = (
  "the of and a to in is you that it he was for on are as with his they at be this have from or one had by word but not what all were we " +
  "when your can said there use an each which she do how their if will up other about out many then them these so some her would make like " +
  "him into time has look two more write go see number no way could people my than first water been call who oil its now find long down day " +
  "did get come made may part over new sound take only little work know place year live me back give most very after thing our just name"
).split(" ");

const TAGS = ["p", "div", "span", "li", "td", "h2", "a", "section"] as const;

/** Running text of about that many bytes. */
export function prose(random: Random, length: number): string {
  const parts: string[] = [];
  for (let size = 0; size < length; ) {
    const word = random.pick(WORDS);
    parts.push(word);
    size += word.length + 1;
  }
  return parts.join(" ");
}

/** A web page of about that many bytes. */
export function page(random: Random, length: number): string {
  const parts = ['<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>A page</title></head>\n<body>\n'];
  for (let size = 0; size < length; ) {
    const tag = random.pick(TAGS);
    const part = `<${tag} class="${random.pick(WORDS)}-${random.int(1, 99)}">${prose(random, random.int(40, 400))}</${tag}>\n`;
    parts.push(part);
    size += part.length;
  }
  return `${parts.join("")}</body></html>\n`;
}

/** An answer of an API of about that many bytes. */
export function json(random: Random, length: number): string {
  const items: object[] = [];
  for (let size = 0; size < length; size += 160) {
    items.push({ id: random.u32(), name: prose(random, 30), tags: [random.pick(WORDS), random.pick(WORDS)], price: random.int(1, 9_999) / 100, stock: random.int(0, 50), visible: true });
  }
  return JSON.stringify({ items });
}

/** A path with a query as browsers ask for it. */
export function target(random: Random): string {
  const path = Array.from({ length: random.int(1, 4) }, () => random.pick(WORDS)).join("/");
  const query = random.int(0, 2) === 0 ? `?${random.pick(WORDS)}=${random.int(1, 10_000)}&${random.pick(WORDS)}=${random.pick(WORDS)}` : "";
  return `/${path}${random.pick(["", ".html", ".js", ".css", ".png", ".json"])}${query}`;
}

export const host = (random: Random): string => `${random.pick(["www", "api", "cdn", "static", "shop"])}.${random.pick(WORDS)}-${random.int(1, 400)}.example`;

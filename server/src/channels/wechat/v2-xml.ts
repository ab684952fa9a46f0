/**
 * The flat XML of WeChat Pay's API v2: `<xml>` with elements that hold text or CDATA. Nothing else is read. A document
 * type, an entity of its own, an attribute or a nested element makes a document unreadable, so that none can reach out.
 */
export type XmlFields = Readonly<Record<string, string>>;

const ELEMENT = /\s*<([A-Za-z_]\w*)>(?:<!\[CDATA\[([\s\S]*?)\]\]>|([^<]*))<\/\1>\s*/y;
const characterOf: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** The fields of a document, or undefined when it is not flat XML. */
export function parseXml(text: string): XmlFields | undefined {
  const content = /^\s*<xml>([\s\S]*)<\/xml>\s*$/.exec(text)?.[1]?.trim();
  if (content === undefined) return undefined;
  const fields = new Map<string, string>();
  ELEMENT.lastIndex = 0;
  for (let read = 0; read < content.length; read = ELEMENT.lastIndex) {
    const [, name, literal, escaped] = ELEMENT.exec(content) ?? [];
    const value = literal ?? unescapeText(escaped);
    if (name === undefined || value === undefined || fields.has(name)) return undefined;
    fields.set(name, value);
  }
  return Object.fromEntries(fields);
}

function unescapeText(escaped: string | undefined): string | undefined {
  const parts = escaped?.split(/&([a-z]+);/) ?? [];
  const texts = parts.map((part, index) => (index % 2 === 1 ? characterOf[part] : part));
  const good = texts.every((text, index) => text !== undefined && (index % 2 === 1 || !text.includes("&")));
  return escaped !== undefined && good ? texts.join("") : undefined;
}

/** A document of these fields, escaped. */
export function formatXml(fields: XmlFields): string {
  const escapeText = (text: string) =>
    text.replace(/[&<>]/g, (c) => (c === "&" ? "&amp;" : c === "<" ? "&lt;" : "&gt;"));
  const elements = Object.entries(fields).map(([name, value]) => `<${name}>${escapeText(value)}</${name}>`);
  return `<xml>${elements.join("")}</xml>`;
}

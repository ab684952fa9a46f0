/**
 * Guarantee: what API v2 answers is read exactly or not at all: no document can name an entity, a file or an address,
 * and what we write is what is read.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { formatXml, parseXml } from "./v2-xml.ts";

it("reads text, CDATA, escapes and empty elements", () => {
  const text =
    "<xml>\n<a><![CDATA[x < & ]] y]]></a>\n<b>1 &amp; &lt;2&gt; &quot;&apos;</b><c></c>\n<d><![CDATA[]]></d></xml>\n";
  expect(parseXml(text)).toEqual({ a: "x < & ]] y", b: "1 & <2> \"'", c: "", d: "" });
});

it.each([
  '<!DOCTYPE xml [<!ENTITY e SYSTEM "file:///etc/passwd">]><xml><a>&e;</a></xml>',
  '<?xml version="1.0"?><!DOCTYPE xml SYSTEM "http://127.0.0.1/x"><xml><a>1</a></xml>',
  "<xml><a>&e;</a></xml>",
  "<xml><a>&#65;</a></xml>",
  "<xml><a>1 & 2</a></xml>",
  "<xml><a><b>1</b></a></xml>",
  '<xml><a x="1">1</a></xml>',
  "<xml><a>1</a><a>2</a></xml>",
  "<xml><a>1</b></xml>",
  "<xml><a>1</a>stray</xml>",
  "<xml><!-- --><a>1</a></xml>",
  "<html><body>502</body></html>",
  "",
])("does not read %s", (text) => {
  expect(parseXml(text)).toBeUndefined();
});

it("keeps names that objects have by themselves apart", () => {
  expect(parseXml("<xml><__proto__>1</__proto__></xml>")?.polluted).toBeUndefined();
  expect(parseXml("<xml><constructor>1</constructor></xml>")).toEqual({ constructor: "1" });
});

it("reads what it writes", () => {
  const name = fc.stringMatching(/^[a-z][a-z_0-9]{0,15}$/);
  fc.assert(
    fc.property(fc.dictionary(name, fc.string({ unit: "grapheme" })), (fields) => {
      expect(parseXml(formatXml(fields))).toEqual({ ...fields });
    }),
  );
});

// Keywords in packets of XMP, and packets that are meant to cost time.
import { describe, expect, test } from 'vitest';
import { keywordsInXmp } from '../../src/adapters/images/xmp.ts';

const RDF = 'http://www.w3.org/1999/02/22-rdf-syntax-ns#';
const DC = 'http://purl.org/dc/elements/1.1/';

function read(packet: string): readonly string[] {
  return keywordsInXmp(Buffer.from(packet));
}

function subject(list: string, prefixes = { rdf: 'rdf', dc: 'dc' }): string {
  const { rdf, dc } = prefixes;
  return `<${rdf}:RDF xmlns:${rdf}="${RDF}" xmlns:${dc}="${DC}"><${rdf}:Description><${dc}:subject>${list}</${dc}:subject></${rdf}:Description></${rdf}:RDF>`;
}

describe('keywords', () => {
  test('are the texts of the subject, whatever prefixes its names have', () => {
    const list = '<rdf:Bag><rdf:li>a &lt;b&gt; &#246;</rdf:li><rdf:li><![CDATA[c & d]]></rdf:li><rdf:li/></rdf:Bag>';
    expect(read(subject(list))).toEqual(['a <b> \u00f6', 'c & d', '']);
    expect(read(subject('<x:Seq><x:li>one</x:li></x:Seq>', { rdf: 'x', dc: 'y' }))).toEqual(['one']);
  });

  test('are not what stands elsewhere, or under a name that only looks the same', () => {
    expect(read(`<rdf:RDF xmlns:rdf="${RDF}"><rdf:li>outside</rdf:li></rdf:RDF>`)).toEqual([]);
    expect(read('<a:subject xmlns:a="urn:other" xmlns:r="urn:r"><r:li>other</r:li></a:subject>')).toEqual([]);
  });

  test('are read when the packet is padded', () => {
    expect(read(`${subject('<rdf:li>one</rdf:li>')}${' '.repeat(2000)}\0\0`)).toEqual(['one']);
  });
});

describe('a packet that is none, or hostile,', () => {
  const levels = 100_000;
  test.each([
    ['no XML', 'JFIF'],
    ['one that ends early', subject('<rdf:li>one').slice(0, -40)],
    ['a deep one', '<a>'.repeat(levels) + '</a>'.repeat(levels)],
    ['one that begins over and over', '<a '.repeat(levels)],
    ['a long one', `<a>${' '.repeat(1024 * 1024)}</a>`],
    ['zeros before the end', `${'\0'.repeat(500_000)}a`],
    ['an entity of its own', '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'],
  ])('is refused: %s', (_, packet) => {
    expect(() => read(packet)).toThrow();
  });
});

// Which addresses are proxies whose forwarded headers are believed.
import { inRanges, parseAddress, parseRange } from '@latchkey/policy';

/** Different peers whose answer is remembered; behind proxies there are few, and without any there is nothing to ask. */
const REMEMBERED_MAX = 1000;

/** Tells whether an address lies in one of the CIDRs; what is no address does not. Asked several times for each request. */
export function trusting(cidrs: readonly string[]): (address: string) => boolean {
  // A lone address is that address, also where a list of a template would read it as everyone.
  const ranges = cidrs
    .map((cidr) => parseRange(cidr.includes('/') ? cidr : `${cidr}/${cidr.includes(':') ? 128 : 32}`))
    .filter((range) => range !== undefined);
  const answers = new Map<string, boolean>();
  return (text) => {
    const known = answers.get(text);
    if (known !== undefined) return known;
    const address = parseAddress(text);
    const answer = address !== undefined && inRanges(ranges, address);
    if (answers.size >= REMEMBERED_MAX) answers.clear();
    answers.set(text, answer);
    return answer;
  };
}

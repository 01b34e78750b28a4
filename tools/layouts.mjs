// @ts-check
// The layouts that the API, conformance and browser tests can run in; LATCHKEY_TEST_LAYOUT names one.

/** How many nodes there are over PostgreSQL, Valkey or Redis and S3. Embedded is one without any of them. */
export const NODES = /** @type {const} */ ({ embedded: 1, engines: 1, nodes2: 2, nodes3: 3 });

/** @typedef {keyof typeof NODES} Layout */

/** @param {string} text @returns {text is Layout} */
function isLayout(text) {
  return Object.hasOwn(NODES, text);
}

/** The layout of that name, embedded when there is none. Throws for any other text. @param {string | undefined} text @returns {Layout} */
export function layoutOf(text = 'embedded') {
  if (isLayout(text)) return text;
  throw new TypeError(`${text} is no layout: there are ${Object.keys(NODES).join(', ')}`);
}

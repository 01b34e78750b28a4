// From an address to a country.

/** A GeoLite2-format database behind one method. */
export interface Geo {
  /** ISO 3166-1 alpha-2 code of the address, or undefined when the database does not know. `address` is the text of
   *  an IPv4 or IPv6 address; IPv4-mapped IPv6 addresses are looked up as IPv4. Never throws. */
  country(address: string): string | undefined;
  /** What is loaded, for the readiness page. */
  describe(): { readonly source: string; readonly builtAtMs: number };
  close(): Promise<void>;
}

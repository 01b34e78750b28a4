// Formats without a signature, by extension. None of them is an image, audio, video or font: a group like `image/*` in
// allowed types must only ever be satisfied by bytes.

/** Extensions of text formats and the type that browsers and tools expect; everything here may be any text. */
export const TEXT_TYPES: ReadonlyMap<string, string> = byExtension({
  'text/plain': [
    'txt text log conf cfg ini env properties lock',
    'c h cc cpp cxx hpp cs java kt kts swift go rs rb pl pm lua r jl scala dart ts tsx jsx vue svelte zig nim hs ml fs ex exs',
    'erl clj asm s vb pas f f90 m mm scss sass less styl graphql gql proto gradle cmake mk tf hcl nix ps1 bat cmd zsh fish',
    'srt sub ass nfo rst adoc org tex bib sty cls po pot diff patch gcode cube cue asc pem crt csr dxf',
  ].join(' '),
  'text/markdown': 'md markdown mdown mdx',
  'text/css': 'css',
  'text/csv': 'csv',
  'text/tab-separated-values': 'tsv tab',
  'text/javascript': 'js mjs cjs',
  'text/html': 'html htm shtml',
  'text/calendar': 'ics',
  'text/vcard': 'vcf vcard',
  'text/vtt': 'vtt',
  'text/x-python': 'py pyw',
  'application/xhtml+xml': 'xhtml xht',
  'application/x-httpd-php': 'php phtml',
  'application/x-sh': 'sh bash',
  'application/sql': 'sql',
  'application/yaml': 'yaml yml',
  'application/toml': 'toml',
  'application/json': 'json map har',
  'application/x-ndjson': 'ndjson jsonl',
  'application/ld+json': 'jsonld',
  'application/geo+json': 'geojson',
  'application/manifest+json': 'webmanifest',
  'application/x-ipynb+json': 'ipynb',
  'application/vnd.apache.mpegurl': 'm3u8 m3u',
  'message/rfc822': 'eml mht mhtml',
  'model/gltf+json': 'gltf',
  'model/obj': 'obj mtl',
  'model/stl': 'stl',
  'model/step': 'step stp',
});

/** XML languages by extension. */
export const XML_TYPES: ReadonlyMap<string, string> = byExtension({
  'application/xml': 'xml xsd plist dtd resx csproj',
  'application/rss+xml': 'rss',
  'application/atom+xml': 'atom',
  'application/xslt+xml': 'xslt xsl',
  'application/mathml+xml': 'mathml mml',
  'application/wsdl+xml': 'wsdl',
  'application/ttml+xml': 'ttml dfxp',
  'application/dash+xml': 'mpd',
  'application/gpx+xml': 'gpx',
  'application/xliff+xml': 'xlf xliff',
  'application/vnd.google-earth.kml+xml': 'kml',
  'application/x-fictionbook+xml': 'fb2',
  'application/vnd.recordare.musicxml+xml': 'musicxml',
  'application/vnd.jgraph.mxfile': 'drawio',
  'model/vnd.collada+xml': 'dae',
});

/** Binary formats without a signature near their beginning. */
export const DATA_TYPES: ReadonlyMap<string, string> = byExtension({
  'application/octet-stream': 'bin dat img dbf',
  'application/x-apple-diskimage': 'dmg',
});

/** What belongs to a text type that was claimed: the first extension of its row. */
export const TEXT_EXTENSIONS: ReadonlyMap<string, string> = firstExtensions(TEXT_TYPES);

/** The extension of a name, lower case, without its dot; undefined when there is none, as in `.profile` or `README`. */
export function extensionOf(name: string): string | undefined {
  return /[^./\\]\.([A-Za-z0-9_+-]{1,20})$/.exec(name)?.[1]?.toLowerCase();
}

function byExtension(rows: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  return new Map(Object.entries(rows).flatMap(([mime, list]) => list.split(' ').map((extension) => [extension, mime])));
}

function firstExtensions(types: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const first = new Map<string, string>();
  for (const [extension, mime] of types) if (!first.has(mime)) first.set(mime, extension);
  return first;
}

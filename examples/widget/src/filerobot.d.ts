// The part of the Filerobot packages that the page uses; their own declarations describe an older interface.

declare module '@filerobot/core' {
  /** A plugin class, handed to `use`. */
  export type PluginClass = new (...options: never[]) => unknown;

  /** The widget's core: options, plugins, events. */
  export default class Filerobot {
    constructor(options: {
      readonly container: string;
      readonly projectUuid?: string;
      readonly securityTemplateId?: string;
      readonly sassKey?: string;
      readonly userInfo?: { readonly uuid: string; readonly name: string };
      readonly apiEndpoint: string;
      readonly adminApiEndpoint: string;
      readonly i18nFetchApiEndpoint: string;
      readonly shareApiEndpoint: string;
      readonly videoApiEndpoint: string;
    });
    use(plugin: PluginClass, options: Readonly<Record<string, unknown>>): this;
    on(event: string, listener: (...details: never[]) => void): this;
    getPlugin(id: string): { setOptions(options: Readonly<Record<string, unknown>>): void } | undefined;
  }
}

declare module '@filerobot/explorer' {
  /** The media browser. */
  const Explorer: import('@filerobot/core').PluginClass;
  export default Explorer;
}

declare module '@filerobot/xhr-upload' {
  /** Sends the files. */
  const XHRUpload: import('@filerobot/core').PluginClass;
  export default XHRUpload;
}

declare module '@filerobot/progress-panel' {
  /** Shows long tasks. */
  const ProgressPanel: import('@filerobot/core').PluginClass;
  export default ProgressPanel;
}

declare module '@filerobot/image-editor' {
  /** Edits an image and saves it as its next version. */
  const ImageEditor: import('@filerobot/core').PluginClass;
  export default ImageEditor;
}

declare module '*.css';

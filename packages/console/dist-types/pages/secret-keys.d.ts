/** The list of secret keys; the editor opens over it. */
export declare function SecretKeysPage(): import("react").JSX.Element;
//# sourceMappingURL=secret-keys.d.ts.map
/** The sign-in page. */
export declare function LoginPage(): import("react").JSX.Element;
//# sourceMappingURL=login.d.ts.map
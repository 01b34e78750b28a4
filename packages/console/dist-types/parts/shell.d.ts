/** Pages inside the shell need a session; the router has made sure that there is one. */
export declare function Shell(): import("react").JSX.Element | null;
//# sourceMappingURL=shell.d.ts.map
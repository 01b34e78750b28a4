/** Asks for an admin key; calls `onSignedIn` when the session is there. */
export declare function SignInForm({ onSignedIn }: {
    readonly onSignedIn: () => void;
}): import("react").JSX.Element;
//# sourceMappingURL=sign-in-form.d.ts.map
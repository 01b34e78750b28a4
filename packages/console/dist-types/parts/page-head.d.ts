import type { ReactNode } from 'react';
/** Also names the browser tab. */
export declare function PageHead(props: {
    readonly trail: readonly string[];
    readonly title: string;
    readonly lead: ReactNode;
    readonly action?: ReactNode;
}): import("react").JSX.Element;
//# sourceMappingURL=page-head.d.ts.map
import type { ReactNode } from 'react';
/** The English name of an ISO 3166-1 alpha-2 code; the code itself when the browser knows none. */
export declare function countryName(code: string): string;
/** Edits a list of ISO 3166-1 alpha-2 codes. */
export declare function CountryPicker(props: {
    readonly label: string;
    readonly description: ReactNode;
    readonly placeholder: string;
    readonly value: string[];
    readonly onChange: (codes: string[]) => void;
    readonly error?: ReactNode;
}): import("react").JSX.Element;
//# sourceMappingURL=country-picker.d.ts.map
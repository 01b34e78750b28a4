import { type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core';
/** Remembers the chosen colour scheme; public/scheme.js reads the same key before the first paint. */
export declare const colorSchemeManager: import("@mantine/core").MantineColorSchemeManager;
/** Mantine's theme with the product's colours. Dialogs do not lock the page, which does not scroll as a whole: Mantine would write inline styles. */
export declare const theme: {
    focusRing?: "auto" | "always" | "never";
    scale?: number;
    fontSmoothing?: boolean;
    white?: string;
    black?: string;
    colors?: {
        [x: string & {}]: MantineColorsTuple | undefined;
        gray?: MantineColorsTuple;
        dark?: MantineColorsTuple;
        red?: MantineColorsTuple;
        pink?: MantineColorsTuple;
        grape?: MantineColorsTuple;
        violet?: MantineColorsTuple;
        indigo?: MantineColorsTuple;
        blue?: MantineColorsTuple;
        cyan?: MantineColorsTuple;
        green?: MantineColorsTuple;
        lime?: MantineColorsTuple;
        yellow?: MantineColorsTuple;
        orange?: MantineColorsTuple;
        teal?: MantineColorsTuple;
    };
    primaryShade?: import("@mantine/core").MantineColorShade | {
        light?: import("@mantine/core").MantineColorShade;
        dark?: import("@mantine/core").MantineColorShade;
    };
    primaryColor?: string;
    variantColorResolver?: import("@mantine/core").VariantColorsResolver;
    autoContrast?: boolean;
    luminanceThreshold?: number;
    fontFamily?: string;
    fontFamilyMonospace?: string;
    headings?: {
        fontFamily?: string;
        fontWeight?: string;
        textWrap?: "wrap" | "nowrap" | "balance" | "pretty" | "stable";
        sizes?: {
            h1?: {
                fontSize?: string;
                fontWeight?: string;
                lineHeight?: string;
            };
            h2?: {
                fontSize?: string;
                fontWeight?: string;
                lineHeight?: string;
            };
            h3?: {
                fontSize?: string;
                fontWeight?: string;
                lineHeight?: string;
            };
            h4?: {
                fontSize?: string;
                fontWeight?: string;
                lineHeight?: string;
            };
            h5?: {
                fontSize?: string;
                fontWeight?: string;
                lineHeight?: string;
            };
            h6?: {
                fontSize?: string;
                fontWeight?: string;
                lineHeight?: string;
            };
        };
    };
    radius?: {
        [x: string & {}]: string | undefined;
        sm?: string;
        xs?: string;
        md?: string;
        lg?: string;
        xl?: string;
    };
    defaultRadius?: import("@mantine/core").MantineRadius;
    spacing?: {
        [x: number]: string | undefined;
        [x: string & {}]: string | undefined;
        sm?: string;
        xs?: string;
        md?: string;
        lg?: string;
        xl?: string;
    };
    fontSizes?: {
        [x: string & {}]: string | undefined;
        sm?: string;
        xs?: string;
        md?: string;
        lg?: string;
        xl?: string;
    };
    lineHeights?: {
        [x: string & {}]: string | undefined;
        sm?: string;
        xs?: string;
        md?: string;
        lg?: string;
        xl?: string;
    };
    fontWeights?: {
        [x: string & {}]: string | undefined;
        bold?: string;
        regular?: string;
        medium?: string;
    };
    breakpoints?: {
        [x: string & {}]: string | undefined;
        sm?: string;
        xs?: string;
        md?: string;
        lg?: string;
        xl?: string;
    };
    shadows?: {
        [x: string & {}]: string | undefined;
        sm?: string;
        xs?: string;
        md?: string;
        lg?: string;
        xl?: string;
    };
    respectReducedMotion?: boolean;
    cursorType?: "default" | "pointer";
    defaultGradient?: {
        from?: string;
        to?: string;
        deg?: number;
    };
    activeClassName?: string;
    focusClassName?: string;
    components?: {
        [x: string]: {
            classNames?: any;
            styles?: any;
            vars?: any;
            defaultProps?: any;
        } | undefined;
    };
    other?: {
        [x: string]: any;
    };
};
/** Colours that Mantine's defaults leave too faint to read (WCAG 2.2 success criterion 1.4.3), and the page's surfaces. */
export declare const cssVariablesResolver: CSSVariablesResolver;
//# sourceMappingURL=theme.d.ts.map
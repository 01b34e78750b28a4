// The look of the console: colours, type and defaults of components. The build turns it into a style sheet.
import {
  type CSSVariablesResolver,
  createTheme,
  localStorageColorSchemeManager,
  type MantineColorsTuple,
} from '@mantine/core';

const PINE: MantineColorsTuple = [
  '#ecf8f5',
  '#d6ede7',
  '#addace',
  '#7dc5b3',
  '#55b19b',
  '#34a087',
  '#1a8a72',
  '#0e6e5e',
  '#0a5a4d',
  '#06443a',
];

const DARK: MantineColorsTuple = [
  '#dbe2e1',
  '#bcc7c5',
  '#98a5a3',
  '#74827f',
  '#42504d',
  '#35413f',
  '#28322f',
  '#1b2322',
  '#151c1b',
  '#0f1514',
];

const GRAY: MantineColorsTuple = [
  '#f7f9f8',
  '#f0f3f2',
  '#e6ebe9',
  '#d8dedc',
  '#c6cecb',
  '#a5afac',
  '#7c8784',
  '#55605d',
  '#36403d',
  '#1c2423',
];

const SANS = "'Inter Variable', system-ui, -apple-system, 'Segoe UI', sans-serif";

/** Remembers the chosen colour scheme; public/scheme.js reads the same key before the first paint. */
export const colorSchemeManager = localStorageColorSchemeManager({ key: 'latchkey-color-scheme' });

/** Mantine's theme with the product's colours. Dialogs do not lock the page, which does not scroll as a whole: Mantine would write inline styles. */
export const theme = createTheme({
  primaryColor: 'pine',
  primaryShade: { light: 7, dark: 7 },
  colors: { pine: PINE, dark: DARK, gray: GRAY },
  black: '#161d1c',
  fontFamily: SANS,
  fontFamilyMonospace: "ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace",
  headings: { fontFamily: SANS, fontWeight: '620' },
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Modal: {
      defaultProps: {
        lockScroll: false,
        padding: 'lg',
        radius: 'lg',
        transitionProps: { transition: 'pop', duration: 140 },
      },
    },
    Drawer: { defaultProps: { lockScroll: false, padding: 'lg' } },
    Tooltip: { defaultProps: { openDelay: 350, withArrow: true } },
    // The placeholder is an element that a menu may not have (WAI-ARIA 1.2, role menu).
    Menu: { defaultProps: { shadow: 'md', position: 'bottom-end', withInitialFocusPlaceholder: false } },
    Badge: { defaultProps: { tt: 'none', fw: 550, radius: 'sm' } },
    Button: { defaultProps: { fw: 550 } },
  },
});

/** Colours that Mantine's defaults leave too faint to read (WCAG 2.2 success criterion 1.4.3), and the page's surfaces. */
export const cssVariablesResolver: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': 'var(--mantine-color-gray-7)',
    '--mantine-color-placeholder': '#66716e',
    '--mantine-color-error': '#c02626',
    '--mantine-color-default-border': 'var(--mantine-color-gray-4)',
    '--page': 'var(--mantine-color-gray-0)',
    '--surface': '#ffffff',
    '--surface-sunken': 'var(--mantine-color-gray-0)',
    '--line': 'var(--mantine-color-gray-2)',
    '--accent': 'var(--mantine-color-pine-7)',
    '--accent-soft': 'var(--mantine-color-pine-0)',
    '--danger-soft': '#fdf0f0',
    '--caution-text': '#7a4a00',
    '--caution-soft': '#fff7e2',
    '--caution-line': '#f0d48a',
  },
  dark: {
    '--mantine-color-dimmed': 'var(--mantine-color-dark-2)',
    '--mantine-color-placeholder': '#8f9c99',
    '--mantine-color-error': '#ff9494',
    '--mantine-color-anchor': 'var(--mantine-color-pine-3)',
    '--page': 'var(--mantine-color-dark-8)',
    '--surface': 'var(--mantine-color-dark-7)',
    '--surface-sunken': 'var(--mantine-color-dark-8)',
    '--line': 'var(--mantine-color-dark-5)',
    '--accent': 'var(--mantine-color-pine-3)',
    '--accent-soft': '#163330',
    '--danger-soft': '#3a2021',
    '--caution-text': '#f5d48a',
    '--caution-soft': '#33290f',
    '--caution-line': '#5d4a1a',
  },
});

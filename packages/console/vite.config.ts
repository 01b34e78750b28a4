// Builds the console into static files that the server hands out below /console/.
import {
  type ConvertCSSVariablesInput,
  convertCssVariables,
  DEFAULT_THEME,
  defaultCssVariablesResolver,
  mergeMantineTheme,
} from '@mantine/core';
import react from '@vitejs/plugin-react';
import { defaultClientConditions, defineConfig, type Plugin } from 'vite';
import { cssVariablesResolver, theme } from './src/theme.ts';

/** What the pages may load and run: only their own files, and nothing written inline. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "font-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** Writes the policy into the built page, so that it holds behind any server; the development server needs inline scripts. */
function contentSecurityPolicy(): Plugin {
  return {
    name: 'content-security-policy',
    apply: 'build',
    transformIndexHtml: () => [
      {
        tag: 'meta',
        attrs: { 'http-equiv': 'Content-Security-Policy', content: CONTENT_SECURITY_POLICY },
        injectTo: 'head-prepend',
      },
    ],
  };
}

/** Turns the theme into a style sheet at build time: at run time it would be an inline style, which the policy forbids. */
function themeVariables(): Plugin {
  const id = 'virtual:theme-variables.css';
  return {
    name: 'theme-variables',
    resolveId: (source) => (source === id ? `\0${id}` : undefined),
    load(source) {
      if (source !== `\0${id}`) return undefined;
      const merged = mergeMantineTheme(DEFAULT_THEME, theme);
      const base = defaultCssVariablesResolver(merged);
      const own = cssVariablesResolver(merged);
      const variables: ConvertCSSVariablesInput = {
        variables: { ...base.variables, ...own.variables },
        light: { ...base.light, ...own.light, '--mantine-color-scheme': 'light' },
        dark: { ...base.dark, ...own.dark, '--mantine-color-scheme': 'dark' },
      };
      return convertCssVariables(variables);
    },
  };
}

export default defineConfig({
  base: '/console/',
  plugins: [react(), contentSecurityPolicy(), themeVariables()],
  // `source` lets the workspace packages be built from their sources, without a build of their own before.
  resolve: { conditions: ['source', ...defaultClientConditions] },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
  server: {
    proxy: {
      // Everything that is not a page of the console belongs to the service.
      '^/(?!console/).*': 'http://127.0.0.1:7700',
      '^/console/session': 'http://127.0.0.1:7700',
    },
  },
});

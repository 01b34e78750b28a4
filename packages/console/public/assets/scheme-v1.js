// Sets the colour scheme before the first paint, so that a dark page never flashes white. A file of its own because the
// content security policy allows no inline script; versioned by name because assets are cached for ever. The key is the
// one of `colorSchemeManager` in src/theme.ts.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem('latchkey-color-scheme');
  } catch {
    // Storage may be blocked; the system's preference then decides.
  }
  const prefersDark = matchMedia('(prefers-color-scheme: dark)').matches;
  const scheme = chosen === 'dark' || chosen === 'light' ? chosen : prefersDark ? 'dark' : 'light';
  document.documentElement.setAttribute('data-mantine-color-scheme', scheme);
})();

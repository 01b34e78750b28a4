// Mantine's CSS functions and breakpoints for the console's own style sheets.
module.exports = {
  plugins: {
    'postcss-preset-mantine': {},
    'postcss-simple-vars': {
      variables: {
        'breakpoint-sm': '48em',
        'breakpoint-md': '62em',
      },
    },
  },
};

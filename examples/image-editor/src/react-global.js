// The editor's packages expect React to be a global: it has to be there before they are loaded.
import React from 'react';

globalThis.React = React;

// The demo page: the published widget with all its plugins.
import Filerobot from '@filerobot/core';
import Explorer from '@filerobot/explorer';
import ImageEditor from '@filerobot/image-editor';
import ProgressPanel from '@filerobot/progress-panel';
import XHRUpload from '@filerobot/xhr-upload';
import '@filerobot/core/dist/style.min.css';
import '@filerobot/explorer/dist/style.min.css';
import '@filerobot/image-editor/dist/style.min.css';
import './page.css';
import { startPage } from './page.ts';

await startPage({
  Filerobot,
  Explorer,
  plugins: [
    [XHRUpload, {}],
    [ProgressPanel, { target: Explorer }],
    [ImageEditor, {}],
  ],
});

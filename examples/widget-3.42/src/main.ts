// The demo page with the older widget. Its image editor is part of the explorer, and it has no panel for long tasks.
import Filerobot from '@filerobot/core';
import Explorer from '@filerobot/explorer';
import XHRUpload from '@filerobot/xhr-upload';
import '@filerobot/core/dist/style.min.css';
import '@filerobot/explorer/dist/style.min.css';
import '../../widget/src/page.css';
import { startPage } from '../../widget/src/page.ts';

await startPage({ Filerobot, Explorer, plugins: [[XHRUpload, {}]] });

// The pinned packages; ./test installs them outside the source tree, in .work/node.
import { createRequire } from 'node:module';

const require = createRequire(new URL('../../../.work/node/package.json', import.meta.url));

export const OpenAI = require('openai');
export const { chromium } = require('playwright-core');

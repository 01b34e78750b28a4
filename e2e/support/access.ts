// Whether people who cannot see, or not well, can use a page: judged by the rules of WCAG that a program can check.
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';

const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

/** The serious faults of the page as it stands, and what of it is wider than its window. */
export async function accessFaults(page: Page): Promise<readonly string[]> {
  // Colours are measured: nothing may be half faded in.
  await page.waitForFunction(() => document.getAnimations().every((animation) => animation.playState !== 'running'));
  // Every rule runs on every element. Only what breaks one is described, in the page itself: describing what is well takes longer than
  // finding it so. No page under test has a frame of another origin, which is what this way of running leaves out.
  const { violations } = await new AxeBuilder({ page })
    .options({ resultTypes: ['violations'] })
    .withTags(WCAG)
    .setLegacyMode()
    .analyze();
  const faults = violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(' ')}: ${node.failureSummary ?? ''}`));
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  return overflow > 0 ? [...faults, `${overflow} pixels too wide`] : faults;
}

/** What the page logs about its content security policy from now on. */
export function policyViolations(page: Page): readonly string[] {
  const found: string[] = [];
  page.on('console', (message) => {
    if (/Content.Security.Policy/i.test(message.text())) found.push(message.text());
  });
  return found;
}

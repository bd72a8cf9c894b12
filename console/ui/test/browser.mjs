// Debian's Chromium under playwright-core, with a page that remembers everything that went wrong on it.
import { AxeBuilder } from '@axe-core/playwright';
import { chromium } from 'playwright-core';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

export const openBrowser = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });

/** A page of its own context, in `language` ("zh-CN" or "en"). `faults` holds page errors and console errors not excused. */
export async function openPage(browser, { language = 'zh-CN', scheme = 'light', width = 1440, height = 900, excuse = () => false } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, locale: language, reducedMotion: 'reduce', permissions: ['clipboard-read', 'clipboard-write'] });
  await context.addInitScript((chosen) => localStorage.setItem('clipmill.language', localStorage.getItem('clipmill.language') ?? chosen), language);
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const faults = [];
  page.on('pageerror', (error) => faults.push(`page error: ${error.message}`));
  page.on('console', (message) => {
    const line = `${message.text()} (${message.location().url})`;
    if (message.type() === 'error' && !excuse(line)) faults.push(`console error: ${line}`);
  });
  return { context, page, faults };
}

/** What axe finds wrong with the page as it is now, one line each. */
export async function axe(page) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target.join(' ')} – ${n.failureSummary?.replaceAll('\n', ' ')}`));
}

/** Elements that stick out of the page sideways, or whose own text is cut without an ellipsis. */
export const overflow = (page) =>
  page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const out = [];
    if (document.documentElement.scrollWidth > width) out.push(`the page is ${document.documentElement.scrollWidth} px wide in a window of ${width}`);
    for (const element of document.querySelectorAll('main *, header *, [role=dialog] *')) {
      const box = element.getBoundingClientRect();
      const hidden = element.closest('.sr-only, svg, [style*="clip"]') || box.width === 0 || box.height === 0;
      if (!hidden && box.right > width + 1) out.push(`${element.tagName} ${element.className} ends at ${Math.round(box.right)}`);
    }
    return out;
  });

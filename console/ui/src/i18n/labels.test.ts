import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { en } from './en';
import { LABELS, labelFamily, labelName } from './labels';
import { zh } from './zh';

const taxonomy = readFileSync(fileURLToPath(new URL('../../../../core/domain/src/taxonomy.rs', import.meta.url)), 'utf8');

it('names every label as the service does, in its order', () => {
  const listed = [...taxonomy.matchAll(/^\s+\w+ = "(\w+)", "([^"]+)", "([^"]+)";$/gm)].map(([, key, zhName, enName]) => [key, zhName, enName]);
  expect(listed).toHaveLength(18);
  expect(Object.entries(LABELS).map(([key, text]) => [key, text.zh, text.en])).toEqual(listed);
});

it('shows a label it does not know rather than hiding it', () => {
  expect(labelName('warranty', 'zh-CN')).toBe('warranty');
  expect(labelName('warranty', 'en', { zh: '质保', en: 'Warranty' })).toBe('Warranty');
  expect(labelName('promo', 'zh-CN')).toBe('价格优惠');
  expect(labelFamily('warranty')).toBe('chat');
});

it('has the same placeholders in both languages', () => {
  const flat = (texts: object, path = ''): [string, string][] =>
    Object.entries(texts).flatMap(([key, value]) => (typeof value === 'string' ? [[path + key, value]] : flat(value, `${path}${key}.`)) as [string, string][]);
  const holes = (text: string) => [...text.matchAll(/{{(\w+)}}/g)].map((m) => m[1]).sort();
  const english = new Map(flat(en));
  for (const [key, text] of flat(zh)) expect([key, holes(english.get(key) ?? '')]).toEqual([key, holes(text)]);
});

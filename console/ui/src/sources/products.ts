import type { Product } from '../api/types';

/** What is wrong with a product list, for a person to mend: `line` is the line, or the place in the array, from 1. */
export type ProductFault =
  | { fault: 'products_bad_json'; line: number }
  | { fault: 'products_bad_field'; line: number; field: string }
  | { fault: 'products_twice'; sku: string };

const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';

function badField(item: Record<string, unknown>): string | null {
  if (!isText(item.sku)) return 'sku';
  if (!isText(item.name)) return 'name';
  if (item.aliases !== undefined && !(Array.isArray(item.aliases) && item.aliases.every((a) => typeof a === 'string'))) return 'aliases';
  if (item.category != null && typeof item.category !== 'string') return 'category';
  if (item.price != null && !(typeof item.price === 'number' && item.price >= 0)) return 'price';
  if (item.link != null && !(Number.isInteger(item.link) && (item.link as number) >= 0)) return 'link';
  const attributes = item.attributes;
  if (attributes !== undefined) {
    if (typeof attributes !== 'object' || attributes === null || Array.isArray(attributes)) return 'attributes';
    if (!Object.values(attributes).every((a) => typeof a === 'string')) return 'attributes';
  }
  return null;
}

/** Reads a product list: one JSON object a line, or one array. An empty text is an empty list. */
export function readProducts(text: string): Product[] | ProductFault {
  const trimmed = text.trim();
  if (trimmed === '') return [];
  let items: { value: unknown; line: number }[] = [];
  if (trimmed.startsWith('[')) {
    try {
      items = (JSON.parse(trimmed) as unknown[]).map((value, index) => ({ value, line: index + 1 }));
    } catch {
      return { fault: 'products_bad_json', line: 1 };
    }
  } else {
    for (const [index, line] of text.split('\n').entries()) {
      if (line.trim() === '') continue;
      try {
        items.push({ value: JSON.parse(line), line: index + 1 });
      } catch {
        return { fault: 'products_bad_json', line: index + 1 };
      }
    }
  }
  const seen = new Set<string>();
  for (const { value, line } of items) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return { fault: 'products_bad_json', line };
    const field = badField(value as Record<string, unknown>);
    if (field) return { fault: 'products_bad_field', line, field };
    const { sku } = value as Product;
    if (seen.has(sku)) return { fault: 'products_twice', sku };
    seen.add(sku);
  }
  return items.map(({ value }) => value as Product);
}
